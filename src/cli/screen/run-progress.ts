/** The one line that says how far a run is: conversations, money, failures, pace, and what is left. */
import { formatUsd } from "../../domain/money.ts";
import { formatDuration, formatPercent } from "../../report/figures.ts";
import type { RunCounts } from "../../report/run-estimate.ts";
import { bar } from "./conversation.ts";
import { gap, type Line, printLine, type ScreenOptions, screenColumns, span, widthOf } from "./line.ts";

export interface RunProgressView extends RunCounts {
  /** Whether some costs are unknown. */
  isLowerBound: boolean;
  capNanoUsd: number | undefined;
  /** Turns a second. */
  rate: number | undefined;
  left: { ms: number | undefined; costNanoUsd: number } | undefined;
  /** The batches under way, of a run that goes by batch. */
  batches?: { wave: number; requests: number; answered: number; status: string } | undefined;
  /** Failed conversations by kind. */
  failures: Readonly<Record<string, number>>;
}

const BAR_CELLS = 16;
const ROUNDED = 100_000;

/** To four decimals: what changes twice a second is not read to the nano-dollar. */
const roughUsd = (nano: number) => formatUsd(Math.round(nano / ROUNDED) * ROUNDED);

/** `2 min 5 s`, `22 s`: whole seconds, at least one. */
const secondsText = (ms: number | undefined) =>
  ms === undefined
    ? undefined
    : formatDuration(Math.max(1, Math.round(ms / 1000)) * 1000)?.replace(".0 s", " s");

const numbered = (count: number) => count.toLocaleString("en-US");

/** `3 failed (2 unauthorised, 1 timed-out)`; undefined: none. */
export function failuresText(failures: Readonly<Record<string, number>>): string | undefined {
  const kinds = Object.entries(failures).sort(([, a], [, b]) => b - a);
  if (kinds.length === 0) return undefined;
  const failed = kinds.reduce((sum, [, count]) => sum + count, 0);
  return `${numbered(failed)} failed (${kinds.map(([kind, count]) => `${numbered(count)} ${kind}`).join(", ")})`;
}

/** `wave 3: in progress, 0 of 12`. */
export const batchesText = ({ wave, requests, answered, status }: NonNullable<RunProgressView["batches"]>) =>
  `wave ${wave}: ${status}, ${numbered(answered)} of ${numbered(requests)}`;

/** Never as wide as the terminal, so that a cursor at its end stays in the line. What has no room is left out. */
export function renderRunProgress(
  view: RunProgressView,
  options: ScreenOptions,
  { hasBar }: { hasBar: boolean },
): string {
  const { total, ended, costNanoUsd, capNanoUsd, isLowerBound, rate, left, failures, batches } = view;
  const share = total === 0 ? 1 : ended / total;
  const spent = `${isLowerBound ? "≥ " : ""}${roughUsd(costNanoUsd)}`;
  const failed = failuresText(failures);
  const toGo = left && [secondsText(left.ms), roughUsd(left.costNanoUsd)].filter(Boolean).join(" and ");
  const isPastCap =
    left !== undefined && capNanoUsd !== undefined && costNanoUsd + left.costNanoUsd > capNanoUsd;
  const items: Line[] = [
    [span(`${numbered(ended)} of ${numbered(total)}`, "strong")],
    [
      ...(hasBar ? [...bar(share, BAR_CELLS, "good"), gap(1)] : []),
      span(formatPercent(Math.floor(share * 100) / 100), "quiet"),
    ],
    [span(capNanoUsd === undefined ? spent : `${spent} of ${formatUsd(capNanoUsd)}`, "quiet")],
    ...(failed === undefined ? [] : [[span(failed, "warning")]]),
    ...(batches === undefined ? [] : [[span(batchesText(batches), "quiet")]]),
    ...(rate === undefined ? [] : [[span(`${rate.toFixed(1)} turns/s`, "quiet")]]),
    ...(toGo === undefined ? [] : [[span(`about ${toGo} to go`, "quiet")]]),
    ...(isPastCap ? [[span("more than the cap", "warning")]] : []),
  ];
  let line: Line = [gap(1)];
  for (const item of items) {
    const longer = [...line, gap(line.length === 1 ? 1 : 2), ...item];
    if (widthOf(longer) < screenColumns(options)) line = longer;
  }
  return printLine(line, options);
}
