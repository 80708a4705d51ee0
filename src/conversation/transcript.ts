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
  /** Says nothing, and is left out. */
  isBlank?: boolean;
}

/** Who joins in from outside without a name of its own, or under the name of a persona or of the summary. */
const OUTSIDER = "human";

const NAME = /[^a-zA-Z0-9_-]+/g;

/** `Ana_Lima`, too, would be read as `ana-lima`. */
const folded = (name: string) => name.toLowerCase().replaceAll("_", "-");
const SUMMARY = folded(SUMMARY_NAME);

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
  const claimed = folded(name);
  const isTaken = name === "" || claimed === SUMMARY || castIds.has(claimed);
  const { text } = message;
  return {
    speaker: isTaken ? OUTSIDER : name,
    message: text,
    turn: undefined,
    ...(text.trim() === "" ? { isBlank: true } : {}),
    id: message.id,
  };
}

/** A transcript is asked for by two nodes a turn, of the same messages. */
const known = new WeakMap<readonly BaseMessage[], Said[]>();

/**
 * Only a turn can speak for a persona: a message that merely claims its id or its name is a remark from outside, so that
 * an input cannot put words into anybody's mouth.
 */
export function transcriptOf(
  { messages, turns }: Pick<ConversationState, "messages" | "turns">,
  castIds: ReadonlySet<string>,
): readonly Said[] {
  const before = known.get(messages);
  // An embedder may push to an array it holds; one that has grown is another transcript.
  if (before !== undefined && before.length === messages.length) return before;
  const said: Said[] = [];
  for (const message of messages) {
    let one = read.get(message);
    if (one === undefined) {
      one = readMessage(message, turns, castIds);
      read.set(message, one);
    }
    if (!one.isBlank) said.push(one);
  }
  known.set(messages, said);
  return said;
}
