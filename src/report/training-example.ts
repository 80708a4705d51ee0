/**
 * A conversation as one persona had it, in the chat format that OpenAI fine-tunes on
 * (https://platform.openai.com/docs/guides/fine-tuning, and `Chat_finetuning_data_prep` in its cookbook).
 */
import type { Turn } from "../domain/turn.ts";
import type { Remark } from "./timeline.ts";

/** A message of a training example. */
export interface TrainingMessage {
  role: "system" | "user" | "assistant";
  /** Of a user message: who said it. */
  name?: string;
  content: string;
}

/** One line of the file. The last message is the assistant's, and so is at least one. */
export interface TrainingExample {
  messages: TrainingMessage[];
}

/** Fewer are not taken: the guide, "Right number of examples". */
export const FEWEST_EXAMPLES = 10;

const LONGEST_NAME = 64;
const NOT_IN_A_NAME = /[^a-zA-Z0-9_-]+/g;

/** What the protocol takes as a name; somebody who joined in may have any. */
const nameFor = (speaker: string) => speaker.replace(NOT_IN_A_NAME, "_").slice(0, LONGEST_NAME);

interface View {
  /** Id of the persona. */
  persona: string;
  /** What it is told before the first word. */
  system: string;
  turns: readonly Turn[];
  remarks: readonly Remark[];
}

/** Undefined where the persona said nothing. What others said after its last words is left out: nothing is learned from it. */
export function trainingExample({ persona, system, turns, remarks }: View): TrainingExample | undefined {
  const said = [
    ...remarks.map(({ afterTurn, speaker, message }) => ({ at: afterTurn, rank: 1, speaker, message })),
    ...turns.map(({ turn, speaker, message }) => ({ at: turn, rank: 0, speaker, message })),
  ]
    .filter(({ message }) => message.trim() !== "")
    .sort((a, b) => a.at - b.at || a.rank - b.rank);
  const isOwn = ({ rank, speaker }: { rank: number; speaker: string }) => rank === 0 && speaker === persona;
  const last = said.findLastIndex(isOwn);
  if (last === -1) return undefined;
  const messages = said
    .slice(0, last + 1)
    .map(
      (one): TrainingMessage =>
        isOwn(one)
          ? { role: "assistant", content: one.message }
          : { role: "user", name: nameFor(one.speaker), content: one.message },
    );
  return { messages: [{ role: "system", content: system }, ...messages] };
}
