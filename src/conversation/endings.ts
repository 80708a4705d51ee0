/** When a conversation is over: pure functions of the conversation so far. */
import { formatUsd, nanoUsd } from "../domain/money.ts";
import type { EndingRecord } from "../domain/record.ts";
import type { EndingSettings } from "../domain/scenario.ts";
import type { Turn } from "../domain/turn.ts";
import { spentAtMost } from "../ledger/totals.ts";
import { type ConversationView, pairOf } from "./view.ts";

/** An embedder's own ending: evidence when it fires, else undefined. */
export type Ending = (view: ConversationView) => EndingRecord | undefined;

type Leaf = Exclude<keyof EndingSettings, "any" | "all">;
type Evaluator<K extends Leaf> = (
  value: NonNullable<EndingSettings[K]>,
  view: ConversationView,
) => string | undefined;

/** How many of the latest turns brought nothing new: no new citation, area of expertise or pair of speakers. */
function quietTurns(turns: readonly Turn[], limit: number): number {
  if (turns.length < limit) return 0;
  const seen = new Set<string>();
  let lastNew = -1;
  turns.forEach((turn, index) => {
    const marks = [
      ...turn.citations.map((id) => `citation ${id}`),
      ...turn.relevantExpertise.map((area) => `expertise ${area.toLowerCase()}`),
      `pair ${pairOf(turn)}`,
    ];
    if (marks.some((mark) => !seen.has(mark))) lastNew = index;
    for (const mark of marks) seen.add(mark);
  });
  return turns.length - 1 - lastNew;
}

const evaluators: { [K in Leaf]: Evaluator<K> } = {
  maxTurns: (limit, { turn }) =>
    turn > limit ? `${turn - 1} ${turn === 2 ? "turn" : "turns"}, the limit is ${limit}` : undefined,
  maxTokens: (limit, { totals }) => {
    const used = totals.inputTokens + totals.outputTokens;
    return used >= limit ? `${used} of ${limit} tokens` : undefined;
  },
  maxCostUsd: (limit, { totals }) => {
    const spent = spentAtMost(totals);
    return spent >= nanoUsd(limit) ? `${formatUsd(spent)}, the limit is $${limit}` : undefined;
  },
  maxDurationSeconds: (limit, { elapsedMs }) =>
    elapsedMs >= limit * 1000 ? `${(elapsedMs / 1000).toFixed(1)} of ${limit} seconds` : undefined,
  phrase: (phrase, { turns }) => {
    const wanted = phrase.toLowerCase();
    const found = turns.find(({ message }) => message.toLowerCase().includes(wanted));
    return found && `${found.speaker} said "${phrase}" in turn ${found.turn}`;
  },
  consensus: ({ minTurns }, { cast, turns }) => {
    if (turns.length < Math.max(minTurns, cast.length)) return undefined;
    const latest = new Map(turns.map((turn) => [turn.speaker, turn.wantsToConclude]));
    const agreed = cast.every(({ id }) => latest.get(id) === true);
    return agreed ? `all ${cast.length} want to conclude` : undefined;
  },
  stalemate: ({ turns: limit }, { turns }) => {
    const quiet = quietTurns(turns, limit);
    return quiet >= limit ? `nothing new in the last ${quiet} turns` : undefined;
  },
};

const isLeaf = (key: string): key is Leaf => Object.hasOwn(evaluators, key);

function evaluate<K extends Leaf>(
  kind: K,
  settings: EndingSettings,
  view: ConversationView,
): EndingRecord | undefined {
  const value = settings[kind];
  if (value === undefined) return undefined;
  const evidence = (evaluators[kind] as Evaluator<K>)(value as NonNullable<EndingSettings[K]>, view);
  return evidence === undefined ? undefined : { kind, evidence };
}

/** The first of the settings that is met, with its evidence; `all` joins the evidence of its parts. */
export function firedEnding(
  settings: readonly EndingSettings[],
  view: ConversationView,
): EndingRecord | undefined {
  for (const ending of settings) {
    const fired = fire(ending, view);
    if (fired !== undefined) return fired;
  }
  return undefined;
}

function fire(ending: EndingSettings, view: ConversationView): EndingRecord | undefined {
  if (ending.any !== undefined) return firedEnding(ending.any, view);
  if (ending.all !== undefined) {
    const parts = ending.all.map((part) => fire(part, view));
    if (!parts.every((part) => part !== undefined)) return undefined;
    return {
      kind: "all",
      evidence: parts.map(({ kind, evidence }) => `${kind}: ${evidence}`).join("; "),
    };
  }
  const kind = Object.keys(ending).find((key) => ending[key as keyof EndingSettings] !== undefined);
  return kind !== undefined && isLeaf(kind) ? evaluate(kind, ending, view) : undefined;
}

type Limit = "maxCostUsd" | "maxTurns";

/** The limit that ends a conversation, whatever else happens; undefined when there is none. */
export function limitOf(kind: Limit, settings: readonly EndingSettings[]): number | undefined {
  const limits = settings.map((ending) => limitIn(kind, ending)).filter((limit) => limit !== undefined);
  return limits.length === 0 ? undefined : Math.min(...limits);
}

function limitIn(kind: Limit, ending: EndingSettings): number | undefined {
  if (ending.any !== undefined) return limitOf(kind, ending.any);
  if (ending.all === undefined) return ending[kind];
  const limits = ending.all.map((part) => limitIn(kind, part));
  return limits.every((limit) => limit !== undefined) ? Math.max(...limits) : undefined;
}

/** The settings with their limit of turns replaced; limits inside `all` are conditions, not limits, and stay. */
export function withMaxTurns(
  settings: readonly EndingSettings[],
  maxTurns: number | undefined,
): EndingSettings[] {
  return maxTurns === undefined ? [...settings] : [{ maxTurns }, ...withoutLimit("maxTurns", settings)];
}

/** The settings without any limit of this kind; those inside `all` are conditions and stay. */
export function withoutLimit(kind: Limit, settings: readonly EndingSettings[]): EndingSettings[] {
  return settings.flatMap((ending) => {
    if (ending[kind] !== undefined) return [];
    if (ending.any === undefined) return [ending];
    const any = withoutLimit(kind, ending.any);
    return any.length === 0 ? [] : [{ any }];
  });
}
