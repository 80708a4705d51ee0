/** What `dramatis run` shows when a conversation is over: the ending and its evidence, the costs, the files written. */
import { basename, dirname } from "node:path";
import type { ConversationRecord, Status } from "../../domain/record.ts";
import { formatNotice } from "../../domain/screening.ts";
import { type CostRow, costRows } from "../../report/cost-rows.ts";
import {
  costColumn,
  count,
  formatCost,
  formatDuration,
  formatSaved,
  formatShare,
  formatTokens,
  formatUsage,
} from "../../report/figures.ts";
import { endingTitle } from "../../report/timeline.ts";
import { speakerStyle } from "./conversation.ts";
import {
  cut,
  flow,
  gap,
  type Line,
  printLines,
  prose,
  proseColumns,
  type ScreenOptions,
  type Span,
  span,
  widthOf,
} from "./line.ts";
import type { Style } from "./paint.ts";
import { type Column, table } from "./table.ts";

export interface EndingView {
  record: ConversationRecord;
  /** Paths as the user would type them. */
  files: readonly string[];
}

const INDENT = 2;
const MAX_NOTICES = 5;
const STATUS_STYLES: Readonly<Record<Status, Style>> = {
  completed: "good",
  budget: "warning",
  interrupted: "warning",
  failed: "failure",
};

/** Why nothing was charged, whatever the table of costs says. */
const FREE: Readonly<Record<ConversationRecord["transport"], string | undefined>> = {
  network: undefined,
  offline: "Generated offline: no model was asked and nothing was charged.",
  replay: "Replayed: no model was asked and nothing was charged; costs are those of the recorded run.",
};

const figure = (title: string): Column => ({ title, align: "right" });
const optional = (title: string): Column => ({ title, align: "right", isOptional: true });

/** Personas, their total, models and tiers under one head, so that all figures stand in the same columns. */
function costTable(record: ConversationRecord, room: { columns: number; indent: number }): Line[] {
  const { byPersona, byModel, byTier, total } = costRows(record);
  const rows = [...byPersona, total, ...byModel, ...byTier];
  const costs = costColumn(rows.map(({ usage }) => usage));
  const cells = (row: CostRow, name?: Style, figures?: Style): Span[] => [
    span(row.name, name),
    span(formatTokens(row.usage.requests), figures),
    span(formatTokens(row.usage.inputTokens), figures),
    span(formatTokens(row.usage.cachedInputTokens), figures),
    span(formatTokens(row.usage.outputTokens), figures),
    span(costs[rows.indexOf(row)] ?? "", figures),
    span(formatShare(row.share), figures),
  ];
  const speaker = ({ id }: CostRow) => (id === undefined ? undefined : speakerStyle(record.participants, id));
  const head = [
    { title: "persona" },
    figure("requests"),
    figure("input"),
    optional("cached"),
    figure("output"),
    figure("cost"),
    optional("share"),
  ];
  return table(
    head,
    [
      ...byPersona.map((row) => cells(row, speaker(row))),
      "rule",
      cells(total, "strong", "strong"),
      ...(byModel.length === 0 ? [] : [[], [span("model", "quiet")]]),
      ...byModel.map((row) => cells(row)),
      ...(byTier.length === 0 ? [] : [[], [span("tier", "quiet")]]),
      ...byTier.map((row) => cells(row)),
    ],
    room,
  );
}

/** A title with a line after it, as wide as the columns. */
export function rule(title: Span, columns: number): Line {
  const text = cut(title.text, columns - 6);
  const rest = "─".repeat(Math.max(0, columns - widthOf([{ text }]) - 4));
  return [
    { text: "── ", style: "quiet" },
    { text, style: title.style },
    { text: ` ${rest}`, style: "quiet" },
  ];
}

function summary(record: ConversationRecord, columns: number): Line[] {
  const { totals } = record.usage;
  const spent = formatDuration(Date.parse(record.endedAt) - Date.parse(record.startedAt));
  const failures = record.failures.length;
  return flow(
    [
      [span(count(record.turns.length, "turn"))],
      ...(failures === 0 ? [] : [[span(count(failures, "failure"), "warning")]]),
      [span(count(totals.requests, "request"))],
      [span(formatUsage(totals))],
      [span(formatCost(totals), "strong")],
      ...(spent === undefined ? [] : [[span(spent)]]),
      [span(`seed ${record.seed}`, "quiet")],
    ],
    { columns, indent: INDENT },
  );
}

/** What screening did, a line each; of many the first. */
function noticeLines(
  { notices = [] }: ConversationRecord,
  room: { columns: number; indent: number },
): Line[] {
  const shown = notices.slice(0, MAX_NOTICES).map(formatNotice);
  const more = notices.length - shown.length;
  const lines = more > 0 ? [...shown, `${count(more, "further notice")} in the record`] : shown;
  return lines.flatMap((text) => prose(`notice: ${text}`, { ...room, style: "warning" }));
}

/**
 * Paths in one piece each, to copy or click. Where one is too long for a line, the folders, and under each what is in it;
 * a path is broken only where its folder is too long as well.
 */
function fileLines(files: readonly string[], room: { columns: number; indent: number }): Line[] {
  const fits = (text: string) => widthOf([{ text }]) <= room.columns - room.indent;
  if (files.every(fits)) return files.flatMap((file) => prose(file, room));
  const byFolder = new Map<string, string[]>();
  for (const file of files) byFolder.set(dirname(file), [...(byFolder.get(dirname(file)) ?? []), file]);
  return [...byFolder].flatMap(([folder, within]) => {
    if (!fits(folder)) return within.flatMap((file) => prose(file, room));
    const names = within.flatMap((file) => prose(basename(file), { ...room, indent: room.indent + INDENT }));
    return [...prose(folder, room), ...names];
  });
}

/** The closing box: the ending, both cost tables, and the files. */
export function renderEnding({ record, files }: EndingView, options: ScreenOptions): string[] {
  const columns = proseColumns(options);
  const room = { columns, indent: INDENT };
  const saved = formatSaved(record.usage.totals);
  const free = FREE[record.transport];
  return printLines(
    [
      rule(span(endingTitle(record), STATUS_STYLES[record.status]), columns),
      ...prose(record.ending.evidence, room),
      [],
      ...summary(record, columns),
      ...noticeLines(record, room),
      ...(saved === undefined ? [] : prose(saved, room)),
      ...(free === undefined ? [] : prose(free, { ...room, style: "quiet" })),
      ...(record.usage.totals.requests === 0 ? [] : [[], ...costTable(record, room)]),
      ...(files.length === 0 ? [] : [[], [gap(INDENT), span("written", "quiet")]]),
      ...fileLines(files, room),
      [{ text: "─".repeat(columns), style: "quiet" }],
    ],
    options,
  );
}
