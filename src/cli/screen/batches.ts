/** Batches as a table, and one of them with everything that is known of it. Pure. */
import { formatTokens } from "../../report/figures.ts";
import type { StoredBatch } from "../../store/batches.ts";
import { type Line, printLines, prose, type ScreenOptions, type Span, screenColumns, span } from "./line.ts";
import type { Style } from "./paint.ts";
import { table } from "./table.ts";
import { minuteText } from "./utc.ts";

const INDENT = 2;
/** Enough to tell them apart; the whole is in `show` and in --json. */
const SHOWN_ID = 8;

const minutes = (date: Date | undefined) => (date === undefined ? "–" : minuteText(date));

/** As the provider calls it, once the provider has it. */
const stateOf = ({ state, status }: StoredBatch): string =>
  state === "created" || state === "ended" ? (status ?? state) : state;

const STYLES: Readonly<Record<string, Style>> = {
  completed: "good",
  failed: "failure",
  expired: "warning",
  cancelled: "warning",
};

/** `dramatis batches list`. */
export function renderBatches(batches: readonly StoredBatch[], options: ScreenOptions): string[] {
  const cells = batches.map((batch): Span[] => [
    span(batch.id.slice(0, SHOWN_ID), "strong"),
    span(batch.runId),
    span(`${batch.wave}.${batch.part}`),
    span(stateOf(batch), STYLES[stateOf(batch)]),
    span(`${formatTokens(batch.completed + batch.failed)} of ${formatTokens(batch.requests)}`),
    span(batch.failed === 0 ? "–" : formatTokens(batch.failed), batch.failed === 0 ? "quiet" : "failure"),
    span(batch.model, "quiet"),
    span(minutes(batch.plannedAt), "quiet"),
  ]);
  const right = "right" as const;
  const head = [
    { title: "batch", isWhole: true },
    { title: "run", isWhole: true },
    { title: "wave", align: right },
    { title: "is" },
    { title: "answered", align: right },
    { title: "failed", align: right, isOptional: true },
    { title: "model", isOptional: true },
    { title: "planned (UTC)", isOptional: true, isWhole: true },
  ];
  return printLines(table(head, cells, { columns: screenColumns(options), indent: INDENT }), options);
}

/** `dramatis batches show`. */
export function renderBatch(batch: StoredBatch, options: ScreenOptions): string[] {
  const facts: [string, string | undefined][] = [
    ["batch", batch.id],
    ["at the provider", batch.providerId],
    ["run", batch.runId],
    ["wave", `${batch.wave}, part ${batch.part}`],
    ["model", batch.model],
    ["is", stateOf(batch)],
    ["requests", formatTokens(batch.requests)],
    ["answered", formatTokens(batch.completed)],
    ["failed", formatTokens(batch.failed)],
    ["prompt tokens", `about ${formatTokens(batch.tokens)}`],
    ["bytes", formatTokens(batch.bytes)],
    ["planned (UTC)", minutes(batch.plannedAt)],
    ["ended (UTC)", minutes(batch.endedAt)],
  ];
  const known = facts.filter((fact): fact is [string, string] => fact[1] !== undefined);
  const cells = known.map(([name, value]): Line => [span(name, "quiet"), span(value)]);
  const [, ...lines] = table([{ title: "" }, { title: "", isWhole: true }], cells, {
    columns: screenColumns(options),
    indent: INDENT,
  });
  const { problem } = batch;
  const why =
    problem === undefined ? [] : prose(problem, { columns: screenColumns(options), indent: INDENT });
  return printLines(problem === undefined ? lines : [...lines, [], ...why], options);
}
