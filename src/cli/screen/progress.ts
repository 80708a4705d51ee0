/** The one line that says how far a conversation is, and how much of its budget is spent. */
import { formatUsd } from "../../domain/money.ts";
import { type Cost, count, formatBound, formatPercent } from "../../report/figures.ts";
import { bar } from "./conversation.ts";
import { gap, type Line, printLine, proseColumns, type ScreenOptions, span, widthOf } from "./line.ts";

export interface ProgressView {
  /** Turns so far, failed ones included. */
  turns: number;
  maxTurns?: number | undefined;
  cost: Cost;
  /** The budget's cap; with one, a bar shows its spent share. */
  capNanoUsd?: number | undefined;
  /** What is going on, like `Maya Chen is speaking`; left out where there is no room. */
  activity?: string | undefined;
}

const BAR_CELLS = 16;
const WARNING_SHARE = 0.8;

function budgetItems({ cost, capNanoUsd }: ProgressView): Line[] {
  if (capNanoUsd === undefined) return [[span(formatBound(cost), "quiet")]];
  const share = capNanoUsd === 0 ? 1 : (cost.costNanoUsd ?? 0) / capNanoUsd;
  return [
    [span(`${formatBound(cost)} of ${formatUsd(capNanoUsd)}`, "quiet")],
    [
      ...bar(share, BAR_CELLS, share < WARNING_SHARE ? "good" : "warning"),
      gap(1),
      span(formatPercent(share), "quiet"),
    ],
  ];
}

/** Never as wide as the terminal, so that a cursor at its end stays in the line. What does not fit is left out. */
export function renderProgress(view: ProgressView, options: ScreenOptions): string {
  const turns =
    view.maxTurns === undefined ? count(view.turns, "turn") : `turn ${view.turns} of ${view.maxTurns}`;
  const items: Line[] = [
    [span(turns, "strong")],
    ...budgetItems(view),
    ...(view.activity === undefined ? [] : [[span(view.activity, "quiet")]]),
  ];
  let line: Line = [gap(1)];
  for (const item of items) {
    const longer = [...line, gap(line.length === 1 ? 1 : 2), ...item];
    if (widthOf(longer) < proseColumns(options)) line = longer;
  }
  return printLine(line, options);
}
