/** What was said so far, in order: by personas as their turns say it, by others as their messages do. */
import type { BaseMessage } from "@langchain/core/messages";
import type { Turn } from "../domain/turn.ts";
import type { Utterance } from "../turn/prompt.ts";
import type { ConversationState } from "./state.ts";

export interface Said extends Utterance {
  /** The turn this was said in; undefined for a remark from outside. */
  turn: number | undefined;
}

/** Who joins in from outside without a name of its own, or under the name of a persona. */
export const OUTSIDER = "human";

const NAME = /[^a-zA-Z0-9_-]+/g;

/** Utterances are made once: a transcript is walked every turn, and `text` is a costly getter. */
const ofTurn = new WeakMap<Turn, Said>();
const ofMessage = new WeakMap<BaseMessage, Said>();

function remembered<K extends object>(known: WeakMap<K, Said>, key: K, make: () => Said): Said {
  const seen = known.get(key);
  if (seen !== undefined) return seen;
  const made = make();
  known.set(key, made);
  return made;
}

const pick = ({ speaker, message, citations }: Turn) => ({ speaker, message, citations });

const turnUtterance = (turn: Turn) => remembered(ofTurn, turn, () => ({ ...pick(turn), turn: turn.turn }));

const remark = (message: BaseMessage, castIds: ReadonlySet<string>) =>
  remembered(ofMessage, message, () => {
    const name = (message.name ?? OUTSIDER).replace(NAME, "_");
    return {
      speaker: name === "" || castIds.has(name) ? OUTSIDER : name,
      message: message.text,
      turn: undefined,
    };
  });

/** The id a turn's message has in the state. */
export const turnMessageId = (turn: number): string => `turn-${turn}`;

/**
 * Only a turn can speak for a persona: a message that merely claims its id or its name is a remark from outside, so that
 * an input cannot put words into anybody's mouth.
 */
export function transcriptOf(
  { messages, turns }: Pick<ConversationState, "messages" | "turns">,
  castIds: ReadonlySet<string>,
): Said[] {
  const byMessage = new Map(turns.map((turn) => [turnMessageId(turn.turn), turn]));
  return messages.flatMap((message) => {
    const turn = byMessage.get(message.id ?? "");
    const said = turn === undefined ? remark(message, castIds) : turnUtterance(turn);
    return said.message.trim() === "" ? [] : [said];
  });
}
