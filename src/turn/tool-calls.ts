/** The tools that a persona calls in its turn: each call is run, screened and put on record, and answered to the model. */
import { AIMessage, type BaseMessage, ToolMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { isGraphBubbleUp } from "@langchain/langgraph";
import { z } from "zod";
import { messageOf } from "../domain/errors.ts";
import type { Notice, SecretPolicy } from "../domain/screening.ts";
import type { FailureKind, ToolCall } from "../domain/turn.ts";
import { stripCharacters } from "../guard/characters.ts";
import { screenText } from "../guard/screening.ts";
import { redactSecrets } from "../guard/secrets.ts";
import type { RequestedCall } from "../model/reply.ts";

export interface ToolCallParts {
  /** Number of the turn, counted from 1. */
  turn: number;
  tools: readonly StructuredToolInterface[];
  /** What happens to secrets in what tools return. Default: block. */
  secrets?: SecretPolicy | undefined;
}

const searchResult = z.object({ passages: z.array(z.object({ id: z.string() })) });

function passageIds(content: unknown): string[] {
  if (typeof content !== "string" || !content.startsWith("{")) return [];
  try {
    const result = searchResult.safeParse(JSON.parse(content));
    return result.success ? result.data.passages.map(({ id }) => id) : [];
  } catch {
    return []; // A tool may answer with any text; what is not a search result holds no passages.
  }
}

/** A call's record and the text that answers it; `failure` is set when it failed. */
export interface CalledTool {
  record: ToolCall;
  content: string;
  notices?: Notice[];
  failure?: { kind: FailureKind; detail: string };
}

/** Never throws for what a tool does, but for an abort and for what LangGraph throws to interrupt. */
export async function callTool(
  call: RequestedCall,
  { tools, turn, secrets = "block" }: ToolCallParts,
  config: RunnableConfig,
): Promise<CalledTool> {
  const args = call.args ?? {};
  const failed = (kind: FailureKind, detail: string): CalledTool => ({
    record: { name: call.name, args, status: "error", passages: [], error: detail },
    content: `Error: ${detail}`,
    failure: { kind, detail },
  });
  const tool = tools.find(({ name }) => name === call.name);
  if (tool === undefined) {
    const known = tools.map(({ name }) => name).join(", ") || "none";
    return failed("unknown-tool", `There is no tool "${call.name}". Tools: ${known}.`);
  }
  if (call.problem !== undefined) return failed("tool-error", `${call.name}: ${call.problem}`);
  try {
    const answered: ToolMessage = await tool.invoke(
      { type: "tool_call", id: "call", name: call.name, args },
      config,
    );
    const returned =
      typeof answered.content === "string" ? answered.content : JSON.stringify(answered.content);
    const place = `tool result of ${call.name}, turn ${turn}`;
    const { text, notices, blocked } = screenText(returned, { place, secrets, mayBeJson: true });
    if (blocked !== undefined) {
      const detail = `${call.name} returned a secret (${blocked}), which is not sent on.`;
      return { ...failed("tool-error", detail), notices };
    }
    return {
      record: { name: call.name, args, status: "ok", passages: passageIds(text) },
      content: text,
      notices,
    };
  } catch (error) {
    if (isGraphBubbleUp(error) || config.signal?.aborted) throw error;
    const said = messageOf(error);
    const plain = redactSecrets(stripCharacters(said));
    return failed("tool-error", `${call.name} failed: ${plain.slice(0, 300)}`);
  }
}

/** The model's calls and their answers as messages. Every call is answered: providers reject anything else. */
export function callMessages(
  round: number,
  { calls, text = "" }: { calls: readonly RequestedCall[]; text?: string },
  answers: readonly string[],
): BaseMessage[] {
  const id = (index: number) => `call_${round}_${index}`;
  return [
    new AIMessage({
      content: text,
      tool_calls: calls.map(({ name, args }, index) => ({ id: id(index), name, args: args ?? {} })),
    }),
    ...calls.map((_, index) => new ToolMessage({ tool_call_id: id(index), content: answers[index] ?? "" })),
  ];
}
