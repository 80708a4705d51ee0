/** What was said so far, in order: by personas as their turns say it, by others as their messages do. */
import type { BaseMessage } from "@langchain/core/messages";
import type { Turn } from "../domain/turn.ts";
import type { Utterance } from "../turn/prompt.ts";
import { SUMMARY_NAME } from "../turn/summary.ts";
import type { ConversationState } from "./state.ts";

export interface Said extends Utterance {
  /** The turn this was said in; undefined for a remark from outside. */
  turn: number | undefined;
  /** Of its message. */
  id: string | undefined;
}

/** Who joins in from outside without a name of its own, or under the name of a persona or of the summary. */
const OUTSIDER = "human";

const NAME = /[^a-zA-Z0-9_-]+/g;

/** Read once a message: a transcript is walked every turn, and `text` is a costly getter. */
const read = new WeakMap<BaseMessage, Said>();

/** The id a turn's message has in the state. */
export const turnMessageId = (turn: number): string => `turn-${turn}`;

function readMessage(message: BaseMessage, turns: readonly Turn[], castIds: ReadonlySet<string>): Said {
  const turn = turns.findLast((taken) => turnMessageId(taken.turn) === message.id);
  if (turn !== undefined) {
    return {
      speaker: turn.speaker,
      message: turn.message,
      citations: turn.citations,
      turn: turn.turn,
      id: message.id,
    };
  }
  const name = (message.name ?? OUTSIDER).replace(NAME, "_");
  return {
    speaker: name === "" || name === SUMMARY_NAME || castIds.has(name) ? OUTSIDER : name,
    message: message.text,
    turn: undefined,
    id: message.id,
  };
}

/**
 * Only a turn can speak for a persona: a message that merely claims its id or its name is a remark from outside, so that
 * an input cannot put words into anybody's mouth.
 */
export function transcriptOf(
  { messages, turns }: Pick<ConversationState, "messages" | "turns">,
  castIds: ReadonlySet<string>,
): Said[] {
  const said = messages.map((message) => {
    const known = read.get(message) ?? readMessage(message, turns, castIds);
    read.set(message, known);
    return known;
  });
  return said.filter(({ message }) => message.trim() !== "");
}
