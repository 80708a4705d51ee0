/** How an answer of a given shape is demanded from a model, with tools on offer: three ways, one door. */
import type { ToolDefinition } from "@langchain/core/language_models/base";
import { type AIMessage, type BaseMessage, SystemMessage } from "@langchain/core/messages";
import { type Runnable, type RunnableConfig, RunnableSequence } from "@langchain/core/runnables";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { convertToOpenAITool } from "@langchain/core/utils/function_calling";
import { ChatOpenAI } from "@langchain/openai";
import type { z } from "zod";
import type { StructuredMethod } from "../domain/scenario.ts";
import { wireSchema } from "./completions.ts";
import { ANSWER_TOOL } from "./reply.ts";

export interface Demand {
  method: StructuredMethod;
  schema: z.ZodType;
  tools: readonly StructuredToolInterface[];
  seed: number | undefined;
  /** Whether the model takes the parameter `parallel_tool_calls`. */
  parallelToolCalls: boolean;
}

export type Send = (messages: readonly BaseMessage[], config: RunnableConfig) => Promise<AIMessage>;

interface ObjectSchema {
  properties?: Record<string, unknown>;
  required?: string[];
  additionalProperties?: unknown;
}

/** Strict mode wants every property required and no others; tools of other people often have optional ones. */
function isStrict({ properties = {}, required = [], additionalProperties }: ObjectSchema): boolean {
  return additionalProperties === false && Object.keys(properties).every((key) => required.includes(key));
}

/** Tools as the wire wants them; converted once, not at every request. */
const wireTools = (tools: readonly StructuredToolInterface[]): ToolDefinition[] =>
  tools.map((tool) => {
    const { type, function: definition } = convertToOpenAITool(tool) as ToolDefinition;
    const { $schema: _, ...parameters } = definition.parameters as Record<string, unknown>;
    return { type, function: { ...definition, parameters, strict: isStrict(parameters) } };
  });

/** The sentence that JSON mode needs, since the schema is no part of its request. */
const schemaMessage = (schema: z.ZodType) =>
  new SystemMessage(
    `Answer with one JSON object that follows this JSON Schema:\n${JSON.stringify(wireSchema(schema))}`,
  );

/** What a demand adds to the messages of a request, as text: for counting. */
export const demandText = ({ schema, tools }: Pick<Demand, "schema" | "tools">): string =>
  JSON.stringify([wireSchema(schema), ...wireTools(tools)]);

/** The same piece by piece, as far as a model reads them: each tool, then the schema. */
export const demandPieces = ({ schema, tools }: Pick<Demand, "schema" | "tools">): string[] => [
  ...wireTools(tools).map(({ function: { name, description, parameters } }) =>
    JSON.stringify({ name, description, parameters }),
  ),
  JSON.stringify({ name: ANSWER_TOOL, schema: wireSchema(schema) }),
];

/**
 * The model with the demand bound to it, out of the sequence model -> parser. `readReply` reads the message itself, and
 * tells refusals and truncations apart, where the parser would throw; its runnables cost more than the model's own.
 */
function modelOf(structured: Runnable): ChatOpenAI {
  const [model] = structured instanceof RunnableSequence ? structured.steps : [];
  if (model instanceof ChatOpenAI) return model;
  throw new Error("withStructuredOutput: expected a sequence that begins with the model.");
}

/** LangChain describes the model to every callback handler, at every request, in the same words: made once. */
function describedOnce<M extends Pick<ChatOpenAI, "toJSON">>(model: M): M {
  const description = model.toJSON();
  model.toJSON = () => description;
  return model;
}

/**
 * Binds a demand to a model. With `mayCallTools` false the tools stay in the request, so that the cached prefix
 * does, but the model must answer.
 */
export function bindDemand(model: ChatOpenAI, demand: Demand, mayCallTools: boolean): Send {
  const { method, schema, seed } = demand;
  const tools = wireTools(demand.tools);
  const options = { ...(seed === undefined ? {} : { seed }) };
  const oneCall = demand.parallelToolCalls ? { parallel_tool_calls: false } : {};
  const toolOptions = {
    ...options,
    ...oneCall,
    ...(mayCallTools ? {} : { tool_choice: "none" }),
  };
  type Bound = Runnable<BaseMessage[], AIMessage>;

  switch (method) {
    case "function-calling": {
      const definition = {
        name: ANSWER_TOOL,
        description: "Gives your answer.",
        parameters: wireSchema(schema),
      };
      const mustAnswer = !mayCallTools || tools.length === 0;
      const bound: Bound = describedOnce(
        model.bindTools([...tools, { type: "function", function: definition }], {
          ...options,
          ...oneCall,
          tool_choice: mustAnswer ? { type: "function", function: { name: ANSWER_TOOL } } : "required",
        }),
      );
      return (messages, config) => bound.invoke([...messages], config);
    }
    case "json-mode": {
      const withTools = tools.length === 0 ? model.withConfig(options) : model.bindTools(tools, toolOptions);
      const bound: Bound = describedOnce(withTools.withConfig({ response_format: { type: "json_object" } }));
      const last = schemaMessage(schema);
      return (messages, config) => bound.invoke([...messages, last], config);
    }
    case "json-schema": {
      const withTools = tools.length === 0 ? model.withConfig(options) : model.bindTools(tools, toolOptions);
      const structured = (withTools as ChatOpenAI).withStructuredOutput(
        schema as z.ZodType<Record<string, unknown>>,
        {
          name: ANSWER_TOOL,
          method: "jsonSchema",
          strict: true,
        },
      );
      const bound = describedOnce(modelOf(structured));
      return (messages, config) => bound.invoke([...messages], config);
    }
  }
}
