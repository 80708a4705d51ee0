/**
 * LangChain's chat completions client with three changes. Its requests go to whoever `carrying` names, who retries,
 * paces and counts them, and not to a client of its own. It keeps the refusal text and the service tier, which
 * LangChain drops. And it converts a schema once instead of at every request, without the titles LangChain adds to
 * each property, which would be paid for as input.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { AIMessage, type BaseMessage, type InvalidToolCall } from "@langchain/core/messages";
import { ChatOpenAICompletions, type OpenAIClient } from "@langchain/openai";
import { z } from "zod";
import { oncePer } from "../domain/once-per.ts";
import type { ChatRequest, Completion } from "./exchange.ts";

type Streaming = OpenAIClient.Chat.Completions.ChatCompletionCreateParamsStreaming;
type Chunk = OpenAIClient.Chat.Completions.ChatCompletionChunk;

type ResponseFormat = Parameters<ChatOpenAICompletions["_getResponseFormat"]>[0];

/** A zod schema as the wire wants it. */
export const wireSchema = oncePer((schema: z.ZodType): Record<string, unknown> => {
  const { $schema: _, "~standard": __, ...converted } = z.toJSONSchema(schema);
  return converted;
});

type CallOnWire = NonNullable<OpenAIClient.ChatCompletionMessage["tool_calls"]>[number];

/** A search is a few words. Longer arguments may be nested so deeply that whoever walks them runs out of stack. */
const MAX_ARGUMENTS = 5000;

/** LangChain prints an unfounded warning about old packages when all calls of a message are broken. */
function sortCalls(calls: readonly CallOnWire[]): { whole: CallOnWire[]; broken: InvalidToolCall[] } {
  const whole: CallOnWire[] = [];
  const broken: InvalidToolCall[] = [];
  for (const call of calls) {
    if (call.type !== "function") continue;
    const { name, arguments: args } = call.function;
    try {
      if (args.length > MAX_ARGUMENTS) throw new RangeError(`longer than ${MAX_ARGUMENTS} characters`);
      JSON.parse(args);
      whole.push(call);
    } catch (error) {
      broken.push({ type: "invalid_tool_call", id: call.id, name, args, error: (error as Error).message });
    }
  }
  return { whole, broken };
}

type CarryRequest = (request: ChatRequest) => Promise<Completion>;

const carrier = new AsyncLocalStorage<CarryRequest>();

/** Runs work whose requests to the model `carry` answers. */
export const carrying = <T>(carry: CarryRequest, work: () => Promise<T>): Promise<T> =>
  carrier.run(carry, work);

export class Completions extends ChatOpenAICompletions {
  /** Each tool says itself whether it is strict; LangChain would make all of them so beside a strict answer. */
  override _convertChatOpenAIToolToCompletionsTool(
    ...[tool, fields]: Parameters<ChatOpenAICompletions["_convertChatOpenAIToolToCompletionsTool"]>
  ): ReturnType<ChatOpenAICompletions["_convertChatOpenAIToolToCompletionsTool"]> {
    const isOurs = "function" in tool && typeof tool.function === "object";
    return super._convertChatOpenAIToolToCompletionsTool(tool, isOurs ? {} : fields);
  }

  override _getResponseFormat(
    format?: ResponseFormat,
  ): ReturnType<ChatOpenAICompletions["_getResponseFormat"]> {
    if (format?.type !== "json_schema" || !(format.json_schema.schema instanceof z.ZodType)) {
      return super._getResponseFormat(format);
    }
    const { schema, ...rest } = format.json_schema;
    return { type: "json_schema", json_schema: { ...rest, schema: wireSchema(schema) } };
  }

  override completionWithRetry(request: Streaming): Promise<AsyncIterable<Chunk>>;
  override completionWithRetry(request: ChatRequest): Promise<Completion>;
  override async completionWithRetry(
    request: Streaming | ChatRequest,
  ): Promise<AsyncIterable<Chunk> | Completion> {
    const carry = carrier.getStore();
    if (carry === undefined || request.stream === true) {
      throw new Error("A request of the gateway's model must be carried by the gateway, as a whole.");
    }
    return await carry(request);
  }

  protected override _convertCompletionsMessageToBaseMessage(
    message: OpenAIClient.ChatCompletionMessage,
    completion: Completion,
  ): BaseMessage {
    const { whole, broken } = sortCalls(message.tool_calls ?? []);
    const { tool_calls: _, ...rest } = message;
    const sound = whole.length === 0 ? rest : { ...rest, tool_calls: whole };
    const converted = super._convertCompletionsMessageToBaseMessage(sound, completion);
    if (AIMessage.isInstance(converted)) converted.invalid_tool_calls = broken;
    if (completion.service_tier) converted.response_metadata.service_tier = completion.service_tier;
    if (message.refusal && AIMessage.isInstance(converted))
      converted.additional_kwargs.refusal = message.refusal;
    return converted;
  }
}
