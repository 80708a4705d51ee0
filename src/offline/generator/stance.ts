/** Who leans which way when there is something to choose, and what the room is settling on. */
import { hash32, randomShare } from "../../domain/random.ts";
import type { Agenda } from "./agenda.ts";
import type { Self, Situation } from "./situation.ts";
import { stemsOf } from "./stems.ts";

/** Latest messages in which leanings are looked for. */
const WINDOW = 120;

/** The option this persona prefers: what it wants and knows decides, chance only between equals. */
export function ownOption({ options, sides, key }: Agenda, self: Self): number | undefined {
  const side = sides.get(self.id);
  if (side !== undefined || options.length === 0) return side;
  const stems = options.map(stemsOf);
  const scores = stems.map((own, index) => {
    const special = own.filter((stem) => !stems.some((other, at) => at !== index && other.includes(stem)));
    const decisive = special.length > 0 ? special : own;
    const count = (texts: readonly string[]) =>
      texts.filter((text) => stemsOf(text).some((stem) => decisive.includes(stem))).length;
    return (
      3 * count(self.goals) +
      2 * count([...self.expertise, self.role]) +
      count([...self.beliefs, self.background]) +
      1.5 * randomShare(self.id, key, index)
    );
  });
  return scores.indexOf(Math.max(...scores));
}

/** The option that a message ends a sentence on: "… for the rebuild." or "…: the rebuild." */
function leaningIn(message: string, options: readonly string[]): number | undefined {
  const lower = message.toLowerCase();
  const ends = options.map((option) =>
    Math.max(
      lower.lastIndexOf(` for ${option.toLowerCase()}.`),
      lower.lastIndexOf(`: ${option.toLowerCase()}.`),
    ),
  );
  const latest = Math.max(...ends);
  return latest >= 0 ? ends.indexOf(latest) : undefined;
}

/** Each speaker's latest stated leaning, by id. */
export function statedLeanings({ transcript }: Situation, { options }: Agenda): Map<string, number> {
  const leanings = new Map<string, number>();
  if (options.length === 0) return leanings;
  for (const { speaker, text } of transcript.slice(-WINDOW)) {
    const option = leaningIn(text, options);
    if (speaker !== undefined && option !== undefined) leanings.set(speaker, option);
  }
  return leanings;
}

/** The option with the most leanings; between equals the one that gives everybody something, named last. */
export function roomOption(leanings: ReadonlyMap<string, number>, { options }: Agenda, own: number): number {
  const votes = options.map((_, index) => [...leanings.values()].filter((option) => option === index).length);
  const most = Math.max(...votes);
  return most === 0 ? own : votes.lastIndexOf(most);
}

/** In a debate: the side whose advocates brought more sources; between equals, chance. */
export function judgedOption({ transcript, seed }: Situation, { options, sides, key }: Agenda): number {
  const sources = options.map((_, index) =>
    transcript
      .filter(({ speaker }) => speaker !== undefined && sides.get(speaker) === index)
      .reduce((sum, { sources: cited }) => sum + cited.length, 0),
  );
  const most = Math.max(...sources);
  const best = sources.flatMap((count, index) => (count === most ? [index] : []));
  return best[hash32(key, seed) % best.length] ?? 0;
}
