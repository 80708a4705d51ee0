/** What `dramatis quote` shows: prices by persona, model and purpose, the budget, and what they rest on. */
import { formatUsd } from "../../domain/money.ts";
import type { MostPrices } from "../../quote/bound.ts";
import type { ExpectedUse } from "../../quote/expected.ts";
import type { Quote } from "../../quote/quote.ts";
import { count, formatPercent, formatTokens } from "../../report/figures.ts";
import {
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
import { type Column, type Row, table } from "./table.ts";

const INDENT = 2;
/** Figures of an estimate that are worth showing; JSON has them all. */
const SIGNIFICANT = 4;
/** Between four decimals, which money has at least, and six. */
const COARSEST_NANO = 100_000;
const FINEST_NANO = 1000;

interface QuoteRow {
  name: string;
  style?: Style | undefined;
  expected: ExpectedUse | undefined;
  most: MostPrices | undefined;
}

/** Whole nano-dollars that amounts are rounded to. */
function stepOf(totalNanoUsd: number | undefined): number {
  const digits = String(totalNanoUsd ?? 0).length;
  return Math.min(COARSEST_NANO, Math.max(FINEST_NANO, 10 ** (digits - SIGNIFICANT)));
}

/** Amounts as text, all with the decimals of the step. A bound is never rounded down. */
function amounts(step: number) {
  const decimals = 9 - Math.log10(step);
  const show = (nano: number | undefined, round: (value: number) => number) =>
    formatUsd(nano === undefined ? undefined : round(nano / step) * step, decimals);
  return {
    about: (nano: number | undefined) => show(nano, Math.round),
    most: (nano: number | undefined) => show(nano, Math.ceil),
  };
}

const figure = (title: string): Column => ({ title, align: "right" });
const optional = (title: string): Column => ({ title, align: "right", isOptional: true });

/** Money first: what stands last is left out first where there is no room. */
const HEAD: readonly Column[] = [
  { title: "persona" },
  figure("expected"),
  optional("uncached"),
  optional("batch"),
  figure("at most"),
  optional("most in batch"),
  optional("uncached batch"),
  optional("requests"),
  optional("input"),
  optional("cached"),
  optional("output"),
];

function cells({ name, style, expected, most }: QuoteRow, step: number): Span[] {
  const money = amounts(step);
  const used = expected ?? NOTHING;
  const isPartly = used.unpricedRequests > 0;
  const about = (nano: number | undefined) =>
    span(nano !== undefined && isPartly ? `≥ ${money.about(nano)}` : money.about(nano), style);
  const tokens = (value: number) => span(formatTokens(value), style);
  const bound = (nano: number | undefined) => span(most === undefined ? "–" : money.most(nano), style);
  return [
    span(name, style),
    about(used.costNanoUsd),
    about(used.uncachedNanoUsd),
    about(used.batchNanoUsd),
    bound(most?.costNanoUsd),
    bound(most?.batchNanoUsd),
    about(used.batchUncachedNanoUsd),
    tokens(used.requests),
    tokens(used.inputTokens),
    tokens(used.cachedInputTokens),
    tokens(used.outputTokens),
  ];
}

/** Of a persona that never spoke. */
const NOTHING: ExpectedUse = {
  requests: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  countedTokens: 0,
  unpricedRequests: 0,
  costNanoUsd: 0,
  uncachedNanoUsd: 0,
  batchNanoUsd: 0,
  batchUncachedNanoUsd: 0,
};

/** Rows of all names that either side has, by falling expected cost. */
function namedRows(quote: Quote, key: "byModel" | "byPurpose"): QuoteRow[] {
  const [expected, most] = [quote.expected[key], quote.worst.bound?.[key]];
  const names = new Set([...Object.keys(expected), ...Object.keys(most ?? {})]);
  const cost = (name: string) => expected[name]?.costNanoUsd ?? 0;
  return [...names]
    .sort((a, b) => cost(b) - cost(a))
    .map((name) => ({ name, expected: expected[name], most: most?.[name] }));
}

function quoteTable(quote: Quote, step: number, columns: number): Line[] {
  const { participants, expected, worst } = quote;
  const people = participants.map(({ id, name }) => ({
    name,
    expected: expected.byPersona[id],
    most: worst.bound?.byPersona[id],
  }));
  const others = { name: "moderator and others", expected: expected.others, most: worst.bound?.others };
  const hasOthers = others.expected !== undefined || others.most !== undefined;
  const total = {
    name: "total",
    style: "strong" as const,
    expected: expected.total,
    most: worst.bound?.total,
  };
  const purposes = namedRows(quote, "byPurpose");
  const rows: Row[] = [
    ...people.map((row, speaker) => {
      const [name, ...figures] = cells(row, step);
      return [span(name?.text ?? "", { speaker }), ...figures];
    }),
    ...(hasOthers ? [cells(others, step)] : []),
    "rule",
    cells(total, step),
    [],
    [span("model", "quiet")],
    ...namedRows(quote, "byModel").map((row) => cells(row, step)),
    ...(purposes.length < 2 ? [] : [[], [span("for", "quiet")], ...purposes.map((row) => cells(row, step))]),
  ];
  return table(HEAD, rows, { columns, indent: INDENT });
}

const range = (values: readonly number[], show: (value: number) => string) => {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? show(least) : `${show(least)} to ${show(most)}`;
};

/** What the cap of one conversation means for it. */
function budgetText({ budget, samples, worst, runs, unpricedModels }: Quote, step: number): string {
  if (budget === undefined) return "Budget: none.";
  const { capNanoUsd, canHold, reachedBy } = budget;
  const title = `Budget ${formatUsd(capNanoUsd)}${runs === 1 ? "" : " a conversation"}:`;
  if (!canHold)
    return `${title} cannot hold while ${unpricedModels.join(", ")} may be asked without a price.`;
  if (reachedBy > 0) {
    const turns = samples.flatMap(({ turnsInBudget }) => turnsInBudget ?? []);
    const all = samples.map((sample) => sample.turns);
    const whole = range(all, String);
    return `${title} reached in ${reachedBy} of ${count(samples.length, "sample")}, after ${range(turns, String)} of ${whole} turns. The conversation ends there.`;
  }
  const dearest = Math.max(...samples.map(({ costNanoUsd = 0 }) => costNanoUsd));
  const share = `${amounts(step).about(dearest)} or ${formatPercent(dearest / capNanoUsd)} of it`;
  const one = (worst.bound?.total.costNanoUsd ?? Number.POSITIVE_INFINITY) / runs;
  const rest = one <= capNanoUsd ? "Nor can the worst case pass it." : "The worst case would end there.";
  return `${title} enough, the dearest sample took ${share}. ${rest}`;
}

export function renderQuote(quote: Quote, options: ScreenOptions): string[] {
  const { scenario, runs, expected, samples, assumptions } = quote;
  const room = { columns: proseColumns(options), indent: INDENT };
  const step = stepOf(expected.total.costNanoUsd);
  const money = amounts(step);
  const costs = samples.flatMap(({ costNanoUsd }) => costNanoUsd ?? []);
  const each =
    costs.length === 0
      ? "unknown"
      : `${range(costs, money.about)}${expected.total.unpricedRequests > 0 ? " and what has no price" : ""}`;
  return printLines(
    [
      [gap(INDENT), span(scenario.title, "strong")],
      ...prose(`${count(runs, "conversation")}; the samples cost ${each} each`, room),
      [],
      ...quoteTable(quote, step, screenColumns(options)),
      [],
      ...prose(budgetText(quote, step), room),
      ...assumptions.flatMap((text) => prose(text, { ...room, style: "quiet" })),
    ],
    options,
  );
}
