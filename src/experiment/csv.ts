/** The rows of results as CSV: one row a conversation, a column a factor. What is unknown is empty; names of levels run as no formula. Pure. */
import { usdText } from "../domain/money.ts";
import type { Column } from "../report/columns.ts";
import { type CsvOptions, csvHead, csvLine } from "../report/csv.ts";
import type { StoredExperiment } from "./plan.ts";
import type { ResultRow } from "./results.ts";

const dollars = (nano: number | undefined) => (nano === undefined ? undefined : usdText(nano));

const figure = (name: string, of: Column<ResultRow>["of"]): Column<ResultRow> => ({
  name,
  kind: "number",
  of,
});
const text = (name: string, of: Column<ResultRow>["of"]): Column<ResultRow> => ({ name, kind: "text", of });

const COLUMNS: readonly Column<ResultRow>[] = [
  figure("repeat", ({ repeat }) => repeat),
  figure("seed", ({ seed }) => seed),
  text("status", ({ status }) => status),
  text("ending", ({ ending }) => ending),
  figure("turns", ({ turns }) => turns),
  figure("requests", ({ requests }) => requests),
  figure("input_tokens", ({ inputTokens }) => inputTokens),
  figure("cached_input_tokens", ({ cachedInputTokens }) => cachedInputTokens),
  figure("output_tokens", ({ outputTokens }) => outputTokens),
  figure("cost_usd", ({ costNanoUsd }) => dollars(costNanoUsd)),
  figure("unpriced_requests", ({ unpricedRequests }) => unpricedRequests),
  figure("unpriced_bound_usd", ({ unpricedBoundNanoUsd }) => dollars(unpricedBoundNanoUsd)),
  figure("duration_ms", ({ durationMs }) => durationMs),
  figure("concluding", ({ concluding }) => concluding),
  figure("confidence", ({ confidence }) => confidence),
  figure("citations_per_turn", ({ citationsPerTurn }) => citationsPerTurn),
  figure("words_per_turn", ({ wordsPerTurn }) => wordsPerTurn),
  figure("inequality", ({ inequality }) => inequality),
];

/** The columns of factors have a prefix, so that a factor may be called like a figure. */
export function resultsCsv(
  { factors }: Pick<StoredExperiment, "factors">,
  rows: readonly ResultRow[],
  options: CsvOptions = { hasFormulaGuard: true },
): string {
  const columns = [
    text("conversation", ({ conversation }) => conversation),
    ...factors.map(({ name }) => text(`factor_${name}`, ({ levels }) => levels[name])),
    ...COLUMNS,
  ];
  return csvHead(columns) + rows.map((row) => csvLine(columns, row, options)).join("");
}
