/** What came back from a model: an answer of the demanded shape, tool calls, or a typed problem. */
import type { AIMessage, UsageMetadata } from "@langchain/core/messages";
import type { z } from "zod";
import type { Attempt } from "../domain/attempt.ts";
import type { StructuredMethod } from "../domain/scenario.ts";
import type { FailureKind } from "../domain/turn.ts";
import type { UsageEntry } from "../domain/usage.ts";
import { isObject } from "./json-object.ts";

/** A tool call of the model. `args` is undefined when they were not a JSON object. */
export interface RequestedCall {
  name: string;
  args: Record<string, unknown> | undefined;
  problem?: string | undefined;
}

/** An answer of the demanded shape, tool calls, or what went wrong; decide by `kind`. */
export type ReplyOutcome<T> =
  | { kind: "answer"; value: T }
  | { kind: "tool-calls"; calls: RequestedCall[] }
  | { kind: "problem"; problem: FailureKind; detail: string };

/** An outcome, what was said beside tool calls, what it cost, and the attempts that came to nothing before. */
export type Reply<T> = ReplyOutcome<T> & { text?: string; usage: UsageEntry[]; attempts: Attempt[] };

/** Calls of one message that are looked at. */
export const MAX_CALLS = 16;

/** A name as providers take it back; models sometimes invent others. */
const callName = (name: string) => name.replace(/[^\w-]/g, "_").slice(0, 64) || "unknown";

/** Name of the tool that carries the answer when it is demanded by function calling. */
export const ANSWER_TOOL = "answer";

const cut = (text: string, limit: number) => (text.length > limit ? `${text.slice(0, limit)}…` : text);
const quote = (text: string) => JSON.stringify(cut(text, 200));

const problem = (kind: FailureKind, detail: string) => ({ kind: "problem", problem: kind, detail }) as const;

function parseAnswer<T>(text: string, schema: z.ZodType<T>): ReplyOutcome<T> {
  try {
    return checkAnswer(JSON.parse(text), schema);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return problem("bad-shape", `Expected a JSON object, got ${quote(text)}: ${error.message}.`);
  }
}

function checkAnswer<T>(value: unknown, schema: z.ZodType<T>): ReplyOutcome<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { kind: "answer", value: parsed.data };
  const issues = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "answer"}: ${message}`);
  return problem("bad-shape", `The answer breaks its schema: ${cut(issues.slice(0, 5).join("; "), 500)}.`);
}

/** LangChain takes any JSON for arguments and sets apart what is no JSON at all; we want objects. */
function requestedCalls(raw: AIMessage): RequestedCall[] {
  const parsed = (raw.tool_calls ?? []).map(({ name, args }): RequestedCall => {
    const got: unknown = args;
    return isObject(got) ? { name, args: got } : { name, ...badArgs(JSON.stringify(got)) };
  });
  const unparsed = (raw.invalid_tool_calls ?? []).map(({ name = "", args = "" }) => ({
    name,
    ...badArgs(args),
  }));
  return [...parsed, ...unparsed].slice(0, MAX_CALLS).map((call) => ({ ...call, name: callName(call.name) }));
}

const badArgs = (got: string) => ({
  args: undefined,
  problem: `The arguments were not a JSON object: ${quote(got)}`,
});

/** Reads a message that arrived; the same for every way of demanding the answer. */
export function readReply<T>(
  raw: AIMessage,
  schema: z.ZodType<T>,
  method: StructuredMethod,
): ReplyOutcome<T> {
  const refusal = raw.additional_kwargs.refusal;
  const finish: unknown = raw.response_metadata.finish_reason;
  if (typeof refusal === "string" && refusal !== "")
    return problem("refused", `The model refused: ${quote(refusal)}.`);
  if (finish === "content_filter")
    return problem("filtered", "The provider's content filter stopped the answer.");
  const used = (raw.usage_metadata as UsageMetadata | undefined)?.output_tokens;
  if (finish === "length") {
    return problem(
      "truncated",
      `The answer was cut off${used === undefined ? "" : ` after ${used} output tokens`}.`,
    );
  }
  const calls = requestedCalls(raw);
  const answerCall =
    method === "function-calling" ? calls.find(({ name }) => name === ANSWER_TOOL) : undefined;
  if (answerCall?.problem !== undefined) return problem("bad-shape", `${answerCall.problem}.`);
  if (answerCall !== undefined) return checkAnswer(answerCall.args, schema);
  if (calls.length > 0) return { kind: "tool-calls", calls };
  if (raw.text.trim() === "") return problem("empty", "The answer was empty.");
  return parseAnswer(raw.text, schema);
}
