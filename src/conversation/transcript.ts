/** What was said so far, in order: by personas as their turns say it, by others as their messages do. */
import type { BaseMessage } from "@langchain/core/messages";
import { oncePer } from "../domain/once-per.ts";
import type { Persona } from "../domain/persona.ts";
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

/** `Ana_Lima`, too, would be read as `ana-lima`. */
const folded = (name: string) => name.toLowerCase().replaceAll("_", "-");

/** The id a turn's message has in the state. */
export const turnMessageId = (turn: number): string => `turn-${turn}`;

const inTurn = oncePer(
  ({ speaker, message, citations, turn }: Turn): Said => ({
    speaker,
    message,
    citations,
    turn,
    id: turnMessageId(turn),
  }),
);

const NOTHING: Said = { speaker: OUTSIDER, message: "", turn: undefined, id: undefined };

/** By cast: who is a persona in one conversation may be anybody in another, and messages may be shared. */
const fromOutsideOf = oncePer((cast: readonly Persona[]) => {
  const taken = new Set(["", SUMMARY_NAME, ...cast.map(({ id }) => id)].map(folded));
  return oncePer((message: BaseMessage): Said => {
    const { text, id } = message;
    if (text.trim() === "") return NOTHING;
    const name = (message.name ?? OUTSIDER).replace(NAME, "_");
    return { speaker: taken.has(folded(name)) ? OUTSIDER : name, message: text, turn: undefined, id };
  });
});

/** What a transcript was made from last; both nodes of a turn ask for the same. */
const latestOf = oncePer((_: readonly BaseMessage[]): { made?: Made } => ({}));
interface Made {
  turns: readonly Turn[];
  cast: readonly Persona[];
  said: Said[];
}

/**
 * Only a turn can speak for a persona: a message that merely claims its id or its name is a remark from outside, so that
 * an input cannot put words into anybody's mouth. What says nothing is left out.
 */
export function transcriptOf(
  { messages, turns }: Pick<ConversationState, "messages" | "turns">,
  cast: readonly Persona[],
): Said[] {
  const latest = latestOf(messages);
  if (latest.made?.turns === turns && latest.made.cast === cast) return latest.made.said;
  const fromOutside = fromOutsideOf(cast);
  const inTurns = new Map<string | undefined, Said>();
  for (const turn of turns) {
    const one = inTurn(turn);
    inTurns.set(one.id, one);
  }
  const said: Said[] = [];
  for (const message of messages) {
    const one = inTurns.get(message.id) ?? fromOutside(message);
    if (one !== NOTHING) said.push(one);
  }
  latest.made = { turns, cast, said };
  return said;
}
