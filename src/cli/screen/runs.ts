/** What the commands of runs show: lists of runs and conversations, and how a run ended. */
import type { Status } from "../../domain/record.ts";
import {
  costColumn,
  count,
  formatCost,
  formatDuration,
  formatTokens,
  formatUsage,
} from "../../report/figures.ts";
import { endingTitle } from "../../report/timeline.ts";
import type { ConversationStatus } from "../../store/conversations.ts";
import { type ConversationProgress, openCount, type Progress } from "../../store/progress.ts";
import type { StoredRun } from "../../store/runs.ts";
import type { TierFigures } from "../../store/tier-figures.ts";
import { rule } from "./ending.ts";
import {
  flow,
  gap,
  type Line,
  printLines,
  prose,
  proseColumns,
  type ScreenOptions,
  type Span,
  screenColumns,
  span,
} from "./line.ts";
import type { Style } from "./paint.ts";
import { failuresText } from "./run-progress.ts";
import { type Column, table } from "./table.ts";
import { minuteText } from "./utc.ts";

const INDENT = 2;

const STATUS_STYLES: Readonly<Record<ConversationStatus, Style | undefined>> = {
  waiting: "quiet",
  running: undefined,
  parked: "quiet",
  completed: "good",
  budget: "warning",
  interrupted: "warning",
  failed: "failure",
  cancelled: "warning",
};

/** What a whole run is. */
export type RunState = "running" | "waiting" | "completed" | "failed" | "budget" | "cancelled";

export function runState({ isCancelled }: Pick<StoredRun, "isCancelled">, progress: Progress): RunState {
  const { byStatus } = progress;
  if (byStatus.running || byStatus.parked) return "running";
  if (isCancelled || byStatus.cancelled) return "cancelled";
  if (openCount(progress) > 0) return "waiting";
  if (byStatus.failed) return "failed";
  return byStatus.budget ? "budget" : "completed";
}

export interface RunRow {
  run: StoredRun;
  progress: Progress;
}

/** `dramatis runs`. */
export function renderRuns(rows: readonly RunRow[], options: ScreenOptions): string[] {
  const costs = costColumn(rows.map(({ progress }) => progress));
  const cells = rows.map(({ run, progress }, index): Span[] => {
    const state = runState(run, progress);
    const failed = progress.byStatus.failed ?? 0;
    return [
      span(run.id, "strong"),
      span(state, STATUS_STYLES[state]),
      span(`${formatTokens(run.conversations - openCount(progress))} of ${formatTokens(run.conversations)}`),
      span(failed === 0 ? "–" : formatTokens(failed), failed === 0 ? "quiet" : "failure"),
      span(formatTokens(progress.turns)),
      span(costs[index] ?? ""),
      span(minuteText(run.createdAt), "quiet"),
      span(run.scenario, "quiet"),
    ];
  });
  const right = "right" as const;
  const head: Column[] = [
    { title: "run", isWhole: true },
    { title: "is", isWhole: true, isOptional: "at last" },
    { title: "ended", align: right, isOptional: "at last" },
    { title: "failed", align: right, isOptional: "at last" },
    { title: "turns", align: right, isOptional: true },
    { title: "cost", align: right },
    { title: "made (UTC)", isOptional: true, isWhole: true },
    { title: "scenario", isOptional: true },
  ];
  return printLines(table(head, cells, { columns: screenColumns(options), indent: INDENT }), options);
}

const isEnded = (status: ConversationStatus): status is Status =>
  status !== "waiting" && status !== "running" && status !== "parked" && status !== "cancelled";

/** How a conversation is, or ended, in words. */
export function stateText(
  row: Pick<ConversationProgress, "status" | "ending" | "worker" | "failure">,
): string {
  const { status, ending, worker, failure } = row;
  if (status === "running") return worker === undefined ? "under way" : `under way at ${worker}`;
  if (status === "parked") return "in a batch";
  if (status === "cancelled") return ending === undefined ? "cancelled" : `cancelled, ${ending.evidence}`;
  if (!isEnded(status) || ending === undefined) return status;
  const title = endingTitle({ status, ending });
  return failure === undefined || status !== "failed" ? title : `${title}: ${failure}`;
}

/** The conversations of `dramatis show <run>`. */
export function renderConversations(rows: readonly ConversationProgress[], options: ScreenOptions): string[] {
  const costs = costColumn(rows);
  const cells = rows.map((row, index): Span[] => [
    span(row.id),
    span(stateText(row), STATUS_STYLES[row.status]),
    span(formatTokens(row.turns)),
    span(formatTokens(row.requests)),
    span(costs[index] ?? ""),
  ]);
  const right = "right" as const;
  const head: Column[] = [
    { title: "conversation", isWhole: true },
    { title: "is", isOptional: "at last" },
    { title: "turns", align: right, isOptional: "at last" },
    { title: "requests", align: right, isOptional: true },
    { title: "cost", align: right },
  ];
  return printLines(table(head, cells, { columns: screenColumns(options), indent: INDENT }), options);
}

export interface RunSummaryView {
  run: StoredRun;
  progress: Progress;
  /** What it cost at each tier; shown where there are others than standard. */
  tiers?: readonly TierFigures[] | undefined;
  /** What can be done next, each with its command. */
  next: readonly { what: string; command: string }[];
  /** What is to be said of those commands. */
  note?: string | undefined;
  /** Milliseconds it took this process; default: from the first beginning to the last end. */
  tookMs?: number | undefined;
  /** Turns this process saw. */
  turnsSeen?: number | undefined;
  /** That answers were generated offline. */
  isOffline?: boolean | undefined;
}

const TITLES: Readonly<Record<RunState, { text: string; style: Style }>> = {
  running: { text: "Under way", style: "strong" },
  waiting: { text: "Not over yet", style: "warning" },
  completed: { text: "Completed", style: "good" },
  failed: { text: "Some failed", style: "failure" },
  budget: { text: "Budget reached", style: "warning" },
  cancelled: { text: "Cancelled", style: "warning" },
};

const STATUS_ORDER: readonly ConversationStatus[] = [
  "completed",
  "failed",
  "budget",
  "interrupted",
  "cancelled",
  "running",
  "parked",
  "waiting",
];

const STATUS_WORDS: Partial<Record<ConversationStatus, string>> = {
  budget: "at the cap",
  running: "under way",
  parked: "in a batch",
};

function tierLine({ tiers = [] }: RunSummaryView, room: { columns: number; indent: number }): Line[] {
  if (tiers.every(({ tier }) => tier === "standard")) return [];
  return flow(
    tiers.map((figures) => [
      span(`${figures.tier}: ${count(figures.requests, "request")}, ${formatCost(figures)}`),
    ]),
    room,
  );
}

/** Undefined while they are not known. */
function tokensText({ inputTokens, cachedInputTokens, outputTokens, ...rest }: Progress): string | undefined {
  if (inputTokens === undefined || cachedInputTokens === undefined || outputTokens === undefined)
    return undefined;
  return formatUsage({ ...rest, inputTokens, cachedInputTokens, outputTokens, reasoningTokens: 0 });
}

/** The closing box of a run: statuses, figures, failures by kind, and the commands to go on with. */
export function renderRunSummary(view: RunSummaryView, options: ScreenOptions): string[] {
  const { run, progress, next, note, isOffline } = view;
  const columns = proseColumns(options);
  const room = { columns, indent: INDENT };
  const title = TITLES[runState(run, progress)];
  const failed = failuresText(progress.failures);
  const { startedAt, endedAt } = progress;
  const tookMs = view.tookMs ?? (startedAt && endedAt ? endedAt.getTime() - startedAt.getTime() : undefined);
  const took = tookMs === undefined ? undefined : formatDuration(tookMs);
  const turns = view.turnsSeen ?? 0;
  const rate = tookMs !== undefined && tookMs > 0 && turns > 0 ? (turns / tookMs) * 1000 : undefined;
  const tokens = tokensText(progress);
  const widest = Math.max(0, ...next.map(({ what }) => what.length));
  const box = printLines(
    [
      rule(span(`${title.text}: ${run.id}`, title.style), columns),
      ...flow(
        [
          [span(count(run.conversations, "conversation"))],
          ...STATUS_ORDER.filter((status) => progress.byStatus[status]).map((status) => [
            span(
              `${formatTokens(progress.byStatus[status])} ${STATUS_WORDS[status] ?? status}`,
              STATUS_STYLES[status],
            ),
          ]),
        ],
        room,
      ),
      ...(failed === undefined ? [] : prose(failed, { ...room, style: "failure" })),
      ...flow(
        [
          [span(count(progress.turns, "turn"))],
          [span(count(progress.requests, "request"))],
          ...(tokens === undefined ? [] : [[span(tokens)]]),
          [span(formatCost(progress), "strong")],
          ...(took === undefined ? [] : [[span(took)]]),
          ...(rate === undefined ? [] : [[span(`${rate.toFixed(1)} turns/s`)]]),
        ],
        room,
      ),
      ...tierLine(view, room),
      ...(isOffline
        ? prose("Generated offline: no model was asked and nothing was charged.", { ...room, style: "quiet" })
        : []),
      ...(next.length === 0 ? [] : [[]]),
    ],
    options,
  );
  // A command that is cut cannot be pasted: where it is too long, the terminal breaks it.
  const commands = printLines(
    next.map(
      ({ what, command }): Line => [
        gap(INDENT),
        span(what, "quiet"),
        gap(widest - what.length + 2),
        span(command),
      ],
    ),
    { ...options, columns: Number.POSITIVE_INFINITY },
  );
  const notes = note === undefined ? [] : prose(note, { ...room, style: "quiet" });
  return [...box, ...commands, ...printLines(notes, options)];
}
