/** Holds the generator to what was asked of it: an answer the provider could never give is a fault, not an answer. */
import { z } from "zod";
import type { ChatRequest, GeneratedReply } from "./protocol.ts";
import { RecentMap } from "./recent-map.ts";

/** The generator broke its contract: a bug in this repository, never the client's. */
export class GeneratorFault extends Error {
  override readonly name = "GeneratorFault";
}

/** Characters of schemas a generation. */
const MEMORY_CHARACTERS = 1_000_000;
const compiled = new RecentMap<string, z.ZodType>(MEMORY_CHARACTERS);

function compile(schema: Record<string, unknown>): z.ZodType {
  const key = JSON.stringify(schema);
  let parser = compiled.get(key, key.length);
  if (parser === undefined) {
    parser = z.fromJSONSchema(schema);
    compiled.set(key, parser, key.length);
  }
  return parser;
}

function parseObject(text: string, what: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new GeneratorFault(`${what}: expected a JSON text, got ${text.slice(0, 80)}`, { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new GeneratorFault(`${what}: expected a JSON object, got ${text.slice(0, 80)}`);
  }
  return value;
}

function checkAgainst(schema: Record<string, unknown> | undefined, text: string, what: string): void {
  const value = parseObject(text, what);
  if (schema === undefined) return;
  const result = compile(schema).safeParse(value);
  if (!result.success)
    throw new GeneratorFault(`${what} breaks its schema: ${z.prettifyError(result.error)}`);
}

function checkCalls(calls: readonly { name: string; arguments: string }[], request: ChatRequest): void {
  const { tools = [], tool_choice: choice = "auto" } = request;
  if (tools.length === 0 || choice === "none")
    throw new GeneratorFault("Tool calls where none were allowed.");
  if (calls.length === 0) throw new GeneratorFault("Tool calls without a call.");
  if (request.parallel_tool_calls === false && calls.length > 1) {
    throw new GeneratorFault(`${calls.length} tool calls where parallel_tool_calls is false.`);
  }
  for (const call of calls) {
    const tool = tools.find(({ function: { name } }) => name === call.name);
    if (tool === undefined) throw new GeneratorFault(`Call of "${call.name}", which was not offered.`);
    if (typeof choice === "object" && choice.function.name !== call.name) {
      throw new GeneratorFault(`Call of "${call.name}" where "${choice.function.name}" was demanded.`);
    }
    checkAgainst(tool.function.parameters, call.arguments, `Call of "${call.name}"`);
  }
}

function checkContent(content: string, request: ChatRequest): void {
  const { tool_choice: choice = "auto", response_format: format } = request;
  if (choice === "required" || typeof choice === "object") {
    throw new GeneratorFault("Content where a tool call was demanded.");
  }
  if (content === "") throw new GeneratorFault("Empty content.");
  if (format?.type === "json_object") checkAgainst(undefined, content, "Content");
  if (format?.type === "json_schema") {
    checkAgainst(format.json_schema.schema, content, `Content for "${format.json_schema.name}"`);
  }
}

export function checkGenerated(reply: GeneratedReply, request: ChatRequest): void {
  if (reply.kind === "tool-calls") checkCalls(reply.calls, request);
  else checkContent(reply.content, request);
}
