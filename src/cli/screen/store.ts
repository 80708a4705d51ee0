/** What `dramatis store` shows: what is in a store, what is wrong with it, and what was moved. */
import { count } from "../../report/figures.ts";
import type { Inconsistency } from "../../store/consistency.ts";
import type { StoreInfo } from "../../store/info.ts";
import type { Moved } from "../../store/move.ts";
import {
  flow,
  gap,
  type Line,
  printLines,
  prose,
  proseColumns,
  type ScreenOptions,
  screenColumns,
  span,
} from "./line.ts";
import type { Style } from "./paint.ts";
import { type Row, table } from "./table.ts";

const INDENT = 2;
const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** Decimal units, as disks are sold: `8.8 MB`. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${UNITS[power]}`;
}

const whole = (value: number) => value.toLocaleString("en-US");

const STATUS_STYLES: Readonly<Record<string, Style>> = {
  completed: "good",
  failed: "failure",
  budget: "warning",
  interrupted: "warning",
};

const tally = (counts: Record<string, number>): Line[] =>
  Object.entries(counts).map(([name, quantity]) => [span(`${whole(quantity)} ${name}`, STATUS_STYLES[name])]);

/** `dramatis store info`. */
export function renderStoreInfo(info: StoreInfo, options: ScreenOptions): string[] {
  const columns = screenColumns(options);
  const room = { columns, indent: INDENT };
  const engine = info.engine === "pglite" ? "embedded, PGlite" : "PostgreSQL";
  const sizes =
    info.directoryBytes === undefined
      ? formatBytes(info.databaseBytes)
      : `${formatBytes(info.directoryBytes)} on disk, ${formatBytes(info.databaseBytes)} of it the database`;
  const rows = info.tables.map(
    ({ name, rows, bytes }): Row => [
      span(name.replaceAll("_", " ")),
      span(whole(rows)),
      span(formatBytes(bytes), "quiet"),
    ],
  );
  const lines: Line[] = [
    [gap(INDENT), span(info.place, "strong")],
    ...flow(
      [[span(`${engine} ${info.server}`)], [span(`tables of version ${info.version}`)], [span(sizes)]],
      room,
    ),
    ...flow(
      [
        [span(count(info.runs, "run"), "strong")],
        ...(info.cancelledRuns === 0 ? [] : [[span(`${whole(info.cancelledRuns)} cancelled`, "warning")]]),
        [span(count(info.conversations, "conversation"), "strong")],
        ...tally(info.byStatus),
      ],
      room,
    ),
    ...(Object.keys(info.requestsByState).length === 0
      ? []
      : flow([[span("requests kept", "strong")], ...tally(info.requestsByState)], room)),
    ...(info.threads === 0 ? [] : flow([[span(`${count(info.threads, "thread")} of graphs`)]], room)),
    [],
    ...table(
      [
        { title: "table", isWhole: true },
        { title: "rows", align: "right" },
        { title: "size", align: "right", isOptional: true },
      ],
      rows,
      room,
    ),
  ];
  return printLines(lines, options);
}

/** `dramatis store check`. */
export function renderInconsistencies(
  place: string,
  found: readonly Inconsistency[],
  options: ScreenOptions,
): string[] {
  const room = { columns: proseColumns(options), indent: INDENT };
  if (found.length === 0) {
    return printLines(
      [[gap(INDENT), span("✓", "good"), gap(1), span(`${place}: counts, sums and money agree`)]],
      options,
    );
  }
  const lines = found.flatMap(({ what, count, examples }): Line[] => [
    ...prose(`✗ ${whole(count)} ${what}`, { ...room, style: "failure" }),
    ...prose(`${examples.join(", ")}${count > examples.length ? " …" : ""}`, {
      ...room,
      indent: 4,
      style: "quiet",
    }),
  ]);
  return printLines(lines, options);
}

/** `dramatis store move`. */
export function renderMoved(
  { from, to, tables, waiting }: Moved & { from: string; to: string },
  options: ScreenOptions,
): string[] {
  const room = { columns: screenColumns(options), indent: INDENT };
  const rows = tables
    .filter((one) => one.rows > 0)
    .map(
      ({ table: name, rows }): Row => [
        span(name.replaceAll("_", " ")),
        span(whole(rows)),
        span("same", "good"),
      ],
    );
  const words = [
    `Moved from ${from} to ${to}; counts and digests of all ${tables.length} tables are the same.`,
    waiting === 0 ? "" : ` ${count(waiting, "conversation")} will go on there.`,
    ` ${from} is as it was: do not use it any more, and delete it when you like.`,
  ];
  const lines: Line[] = [
    ...table(
      [
        { title: "table", isWhole: true },
        { title: "rows", align: "right" },
        { title: "digest", isOptional: true },
      ],
      rows,
      room,
    ),
    [],
    ...prose(words.join(""), { columns: proseColumns(options), indent: INDENT }),
  ];
  return printLines(lines, options);
}
