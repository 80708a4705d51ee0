/** The rows of results as CSV (RFC 4180): one row a conversation, a column a factor. What is unknown is empty. Pure. */
import type { StoredExperiment } from "./plan.ts";
import type { ResultRow } from "./results.ts";

const quoted = (value: string): string =>
  /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;

/** Dollars with every digit, and no sign. */
function dollars(nano: number | undefined): string {
  if (nano === undefined) return "";
  const digits = String(nano).padStart(10, "0");
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

const COLUMNS: readonly [string, (row: ResultRow) => string | number | undefined][] = [
  ["repeat", ({ repeat }) => repeat],
  ["seed", ({ seed }) => seed],
  ["status", ({ status }) => status],
  ["ending", ({ ending }) => ending],
  ["turns", ({ turns }) => turns],
  ["requests", ({ requests }) => requests],
  ["input_tokens", ({ inputTokens }) => inputTokens],
  ["cached_input_tokens", ({ cachedInputTokens }) => cachedInputTokens],
  ["output_tokens", ({ outputTokens }) => outputTokens],
  ["cost_usd", ({ costNanoUsd }) => dollars(costNanoUsd)],
  ["unpriced_requests", ({ unpricedRequests }) => unpricedRequests],
  ["unpriced_bound_usd", ({ unpricedBoundNanoUsd }) => dollars(unpricedBoundNanoUsd)],
  ["duration_ms", ({ durationMs }) => durationMs],
  ["concluding", ({ concluding }) => concluding],
  ["confidence", ({ confidence }) => confidence],
  ["citations_per_turn", ({ citationsPerTurn }) => citationsPerTurn],
  ["words_per_turn", ({ wordsPerTurn }) => wordsPerTurn],
  ["inequality", ({ inequality }) => inequality],
];

/** The columns of factors have a prefix, so that a factor may be called like a figure. */
export function resultsCsv(
  { factors }: Pick<StoredExperiment, "factors">,
  rows: readonly ResultRow[],
): string {
  const head = [
    "conversation",
    ...factors.map(({ name }) => `factor_${name}`),
    ...COLUMNS.map(([title]) => title),
  ];
  const lines = rows.map((row) => [
    row.conversation,
    ...factors.map(({ name }) => row.levels[name] ?? ""),
    ...COLUMNS.map(([, read]) => String(read(row) ?? "")),
  ]);
  return `${[head, ...lines].map((line) => line.map(quoted).join(",")).join("\r\n")}\r\n`;
}
