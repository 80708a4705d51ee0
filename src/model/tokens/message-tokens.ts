/**
 * Tokens of chat messages, by the formula OpenAI's cookbook publishes ("How to count tokens with tiktoken"):
 * 3 for the reply, and for each message 3 + its role + its content + (1 + its name, if it has one). What a tool call
 * costs is not published; ours is meant to be enough. A transcript comes again with every request, so what is known of
 * a message is kept as long as the message.
 */
import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import { oncePer } from "../../domain/once-per.ts";
import { type Encoding, tokenBound, tokenCounter } from "./tokens.ts";

/** Tokens around the texts: of a reply, a message, a name, a tool call. */
export const FRAME = { reply: 3, message: 3, name: 1, call: 8 };

/** Every role, "developer" too, is one token in each encoding. */
const ROLE = 1;

function textsOf(message: BaseMessage): string[] {
  const { content, name } = message;
  // `text` builds content blocks first; nearly all content is a string already.
  const texts = [typeof content === "string" ? content : message.text];
  if (name !== undefined && name !== "") texts.push(name);
  const calls = AIMessage.isInstance(message) ? (message.tool_calls ?? []) : [];
  for (const call of calls) texts.push(call.name, JSON.stringify(call.args));
  return texts;
}

function frameOf(message: BaseMessage): number {
  const calls = AIMessage.isInstance(message) ? (message.tool_calls?.length ?? 0) : 0;
  return FRAME.message + ROLE + (message.name ? FRAME.name : 0) + calls * FRAME.call;
}

/** The most tokens a message can be, known without a tokenizer. */
export const messageBound = oncePer((message: BaseMessage): number =>
  textsOf(message).reduce((sum, text) => sum + tokenBound(text), frameOf(message)),
);

export const promptBound = (messages: readonly BaseMessage[]): number =>
  messages.reduce((sum, message) => sum + messageBound(message), FRAME.reply);

const countsOf = oncePer((_: BaseMessage) => new Map<Encoding, number>());

/** Tokens of each message, in order; loads the tokenizer. */
export async function messageTokens(messages: readonly BaseMessage[], encoding: Encoding): Promise<number[]> {
  const count = await tokenCounter(encoding);
  return messages.map((message) => {
    const counts = countsOf(message);
    const known = counts.get(encoding);
    if (known !== undefined) return known;
    const tokens = textsOf(message).reduce((sum, text) => sum + count(text), frameOf(message));
    counts.set(encoding, tokens);
    return tokens;
  });
}

/** Tokens of the messages of a request; tools and a demanded schema come on top. */
export const promptTokens = async (messages: readonly BaseMessage[], encoding: Encoding): Promise<number> =>
  (await messageTokens(messages, encoding)).reduce((sum, tokens) => sum + tokens, FRAME.reply);
