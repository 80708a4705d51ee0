/** Who speaks next: pure functions of the conversation so far. */

import { randomShare } from "../domain/random.ts";
import type { ModeratorSettings } from "../domain/scenario.ts";
import type { ConversationView } from "./view.ts";

/** A speaker and the reason in words. */
export interface PolicyChoice {
  speaker: string;
  reason: string;
}
/** An embedder's own rule; it may be asynchronous. It must return the id of one of `candidates(view)`. */
export type Policy = (view: ConversationView) => PolicyChoice | Promise<PolicyChoice>;
type PurePolicy = (view: ConversationView) => PolicyChoice;

/** Everyone who may speak now: nobody speaks twice in a row unless they are alone. */
export function candidates({ cast, last }: Pick<ConversationView, "cast" | "last">): string[] {
  const ids = cast.map(({ id }) => id);
  const others = ids.filter((id) => id !== last?.speaker);
  return others.length === 0 ? ids : others;
}

export const roundRobin: PurePolicy = ({ cast, last }) => {
  const ids = cast.map(({ id }) => id);
  const position = last === undefined ? 0 : ids.indexOf(last.speaker) + 1;
  const speaker = ids[position % ids.length] ?? "";
  return { speaker, reason: `number ${(position % ids.length) + 1} of ${ids.length} in order` };
};

/** The candidate whose last word is longest ago; those who never spoke come first, in the order of the cast. */
function longestSilent(view: ConversationView, among: readonly string[]): PolicyChoice {
  const lastSpoke = new Map<string, number>();
  const remember = ({ speaker, turn }: { speaker: string; turn: number }) =>
    lastSpoke.set(speaker, Math.max(turn, lastSpoke.get(speaker) ?? 0));
  view.turns.forEach(remember);
  view.failures.forEach(remember);
  const silence = (id: string) => lastSpoke.get(id) ?? 0;
  const speaker = among.reduce((a, b) => (silence(b) < silence(a) ? b : a));
  const since = silence(speaker);
  return { speaker, reason: since === 0 ? "has not spoken yet" : `silent since turn ${since}` };
}

/** How many of the latest turns two personas have kept to themselves. */
function exchangeLength({ turns }: ConversationView): number {
  const pair = new Set<string>();
  let length = 0;
  for (let index = turns.length - 1; index >= 0; index--) {
    const speaker = turns[index]?.speaker ?? "";
    if (!pair.has(speaker) && pair.size === 2) break;
    pair.add(speaker);
    length++;
  }
  return length;
}

/** Who was addressed speaks; else who has been silent longest. Two personas cannot go on past `pingPongLimit` turns. */
export const directed =
  (pingPongLimit: number): PurePolicy =>
  (view) => {
    const among = candidates(view);
    const latest = view.turns.at(-1);
    const addressed = latest?.turn === view.last?.turn ? latest?.addressedTo : undefined;
    if (addressed == null || !among.includes(addressed)) return longestSilent(view, among);
    if (exchangeLength(view) >= pingPongLimit) {
      const pair = view.turns.slice(-2).map(({ speaker }) => speaker);
      const others = among.filter((id) => !pair.includes(id));
      if (pair.includes(addressed) && others.length > 0) {
        const { speaker, reason } = longestSilent(view, others);
        return {
          speaker,
          reason: `${reason}; ${addressed} was addressed, but the last ${pingPongLimit} turns were of the same two`,
        };
      }
    }
    return { speaker: addressed, reason: `addressed by ${latest?.speaker}` };
  };

function draw(view: ConversationView, policy: string, weigh: (id: string) => number): PolicyChoice {
  const among = candidates(view).map((id) => ({ id, weight: weigh(id) }));
  const sum = among.reduce((total, { weight }) => total + weight, 0);
  let rest = randomShare(view.seed, policy, view.turn) * sum;
  const drawn = among.find(({ weight }) => {
    rest -= weight;
    return rest < 0;
  });
  const { id, weight } = drawn ?? among.at(-1) ?? { id: "", weight: 0 };
  return {
    speaker: id,
    reason: `drawn by seed ${view.seed} with chance ${((100 * weight) / sum).toFixed(0)} %`,
  };
}

export const random: PurePolicy = (view) => draw(view, "random", () => 1);

/** Drawn by talkativeness. Should all candidates weigh 0, each is as likely as the other. */
export const weighted: PurePolicy = (view) => {
  const weights = new Map(view.cast.map(({ id, talkativeness }) => [id, talkativeness]));
  const silent = candidates(view).every((id) => (weights.get(id) ?? 0) === 0);
  return draw(view, "weighted", (id) => (silent ? 1 : (weights.get(id) ?? 0)));
};

/** The policies that cost no request. */
export function purePolicy(settings: Exclude<ModeratorSettings, { policy: "model" }>): PurePolicy {
  switch (settings.policy) {
    case "round-robin":
      return roundRobin;
    case "directed":
      return directed(settings.pingPongLimit);
    case "random":
      return random;
    case "weighted":
      return weighted;
  }
}
