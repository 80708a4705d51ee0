/**
 * What of a transcript a persona is shown, and when a block of it becomes a summary. All of it is a pure function of
 * the transcript and of the summaries that were made, so that a conversation that goes on elsewhere finds the same plan.
 *
 * The figures, for six personas at gpt-4.1-mini's prices, messages of 75 tokens and summaries of 110: a message that
 * stays costs 7.5 micro-dollars with every turn, cached. A compaction costs some 280 once: 150 for the summary's request,
 * and 130 because the cached prefix ends there, so that summary and kept messages are read at the full price. Both
 * balance at blocks of eight; between seven and ten the cost a turn differs by less than half a percent. What is kept
 * costs ten micro-dollars a message and turn for good, so it is what a conversation needs to go on: the latest words of
 * everybody but the one to speak, whose own last words are in the summary, for one turn in eight.
 */
import type { ContextSettings, Layout, Strategy } from "../domain/scenario.ts";
import type { SummaryEntry } from "../domain/summary.ts";

/** Messages that are said between the start of a summary and its adoption: it is written while turns go on. */
export const LEAD = 4;
/** Turns that must be left after an adoption for it to pay: 280 micro-dollars at 60 a turn. */
const TURNS_TO_PAY = 5;
/** Most messages of one summary, when a long transcript must be caught up with. */
const MOST_AT_ONCE = 100;
const DEFAULT_WINDOW = 24;

export interface ContextPlan {
  strategy: Strategy;
  layout: Layout | undefined;
  windowTurns: number | undefined;
  windowTokens: number | undefined;
  /** Messages that nothing is summarised before. */
  after: number;
  block: number;
  keep: number;
}

/** The settings with their defaults for a cast of this size. */
export function contextPlan(settings: ContextSettings, castSize: number): ContextPlan {
  const { strategy, layout, windowTokens, windowTurns, afterTurns, blockTurns, keepTurns } = settings;
  return {
    strategy,
    layout,
    windowTokens,
    windowTurns: windowTurns ?? (windowTokens === undefined ? DEFAULT_WINDOW : undefined),
    after: afterTurns,
    block: blockTurns,
    keep: keepTurns ?? Math.max(castSize - 1, LEAD),
  };
}

/** A message as far as the plan is concerned. */
export interface Placed {
  id: string | undefined;
}

const OPENING_ID = "opening";

/** Messages that are always shown first: those up to the opening. */
export const headLength = (transcript: readonly Placed[]): number =>
  transcript.findIndex(({ id }) => id === OPENING_ID) + 1;

/** Where the messages end that a summary covers; a summary whose last message is gone covers nothing. */
const endOf = (transcript: readonly Placed[], entry: SummaryEntry | undefined): number =>
  entry === undefined ? 0 : transcript.findLastIndex(({ id }) => id === entry.upTo) + 1;

/** The summary that holds, and the first message it does not cover. */
export function adopted(
  transcript: readonly Placed[],
  summaries: readonly SummaryEntry[],
): { entry: SummaryEntry | undefined; from: number } {
  const entry = summaries.findLast(({ summary }) => summary !== undefined);
  const end = endOf(transcript, entry);
  return end === 0 ? { entry: undefined, from: headLength(transcript) } : { entry, from: end };
}

export interface Block {
  /** Index of the first message to be summarised, and of the first that is not. */
  from: number;
  to: number;
  /** soon: to be written while turns go on. now: to be adopted before the next turn. */
  due: "soon" | "now";
}

/** The block that is to become a summary; undefined: none yet, or it would not pay any more. */
export function nextBlock(
  transcript: readonly Placed[],
  summaries: readonly SummaryEntry[],
  {
    after,
    block,
    keep,
    turnsLeft,
  }: Pick<ContextPlan, "after" | "block" | "keep"> & { turnsLeft: number | undefined },
): Block | undefined {
  const { from } = adopted(transcript, summaries);
  // After a failure the next block is longer by what failed.
  const tried = Math.max(from, endOf(transcript, summaries.at(-1)));
  const size = summaries.length === 0 ? Math.max(block, after - keep) : block;
  const isBehind = transcript.length >= tried + size + block + keep;
  const to = isBehind ? Math.min(transcript.length - keep, tried + MOST_AT_ONCE) : tried + size;
  const missing = to + keep - transcript.length;
  if (missing > Math.min(LEAD, keep)) return undefined;
  if (turnsLeft !== undefined && turnsLeft - Math.max(0, missing) < TURNS_TO_PAY) return undefined;
  return { from, to, due: missing > 0 ? "soon" : "now" };
}

/**
 * Where a sliding window begins. It slides a quarter of its size at a time, since every slide ends the cached prefix;
 * `windowTurns` are always shown, `windowTokens` never passed.
 */
export function windowStart(
  tokens: readonly number[] | undefined,
  length: number,
  { windowTurns, windowTokens }: Pick<ContextPlan, "windowTurns" | "windowTokens">,
): number {
  let start = 0;
  if (windowTurns !== undefined) {
    const step = Math.max(1, Math.floor(windowTurns / 4));
    start = Math.max(0, Math.floor((length - windowTurns) / step) * step);
  }
  if (windowTokens === undefined || tokens === undefined) return start;
  const step = windowTokens / 4;
  // The sum up to a message never changes, so neither do the places at which a window may begin.
  const sums = [0];
  for (const count of tokens) sums.push((sums.at(-1) ?? 0) + count);
  const total = sums.at(-1) ?? 0;
  const wanted = Math.ceil((total - windowTokens) / step) * step;
  const fits = sums.findIndex((sum, index) => index >= start && (total <= windowTokens || sum >= wanted));
  return Math.max(start, fits === -1 ? length : fits);
}
