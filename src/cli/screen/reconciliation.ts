/** What `dramatis reconcile` shows: a row for each day of a model, what differs and where, and what to do next. */
import { formatUsd } from "../../domain/money.ts";
import {
  MOST_TRACED_DAYS,
  type Reconciliation,
  type TracedRow,
  tracedDays,
} from "../../organization/reconcile.ts";
import { negated } from "../../organization/reconciliation/amounts.ts";
import { count, formatTokens } from "../../report/figures.ts";
import {
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
import { usdTexts } from "./spending-view.ts";
import { type Column, type Row, table } from "./table.ts";
import { dayText, minuteText } from "./utc.ts";

export interface ReconciliationView {
  result: Reconciliation;
  /** Who told it. */
  host: string;
  /** Of the store. */
  store: string;
  projects: readonly string[] | undefined;
  apiKeys: readonly string[] | undefined;
  /** Milliseconds since 1970. */
  now: number;
  /** A command as it is typed here. */
  command(words: string): string;
  /** The same on this store. */
  ownCommand(words: string): string;
}

const INDENT = 2;
const DAY_MS = 86_400_000;
/** More are in the JSON. */
const MOST_ROWS = 40;
const MOST_PLACES = 5;

const WORDS: Readonly<Record<TracedRow["verdict"], [word: string, style: Style | undefined]>> = {
  matched: ["matched", undefined],
  lost: ["lost", "warning"],
  "only-at-provider": ["only at the provider", "failure"],
  "only-in-ledger": ["only in the ledger", "failure"],
  differs: ["differs", "failure"],
};

const right = "right" as const;
const HEAD: readonly Column[] = [
  { title: "day and model", isWhole: true },
  { title: "tier" },
  { title: "ledger", align: right, isOptional: true },
  { title: "provider", align: right, isOptional: true },
  { title: "difference", align: right },
  { title: "" },
  { title: "requests", align: right, isOptional: true },
  { title: "input", align: right, isOptional: true },
  { title: "output", align: right, isOptional: true },
];

const SIDES = ["ledger", "provider", "difference"] as const;

/** Amounts whose points stand in line, and `unknown`. */
function costTexts(amounts: readonly (number | undefined)[]): string[] {
  const texts = usdTexts(amounts.map((amount) => amount ?? 0));
  return amounts.map((amount, index) => (amount === undefined ? "unknown" : (texts[index] ?? "")));
}
const costText = (nano: number | undefined) => costTexts([nano])[0] ?? "";

function tableLines({ rows, totals }: Reconciliation, room: { columns: number; indent: number }): Line[] {
  const isLong = rows.length > MOST_ROWS;
  const shown = isLong ? rows.filter(({ verdict }) => verdict !== "matched").slice(0, MOST_ROWS) : rows;
  const costs = costTexts([...shown, totals].flatMap((row) => SIDES.map((side) => row[side].costNanoUsd)));
  const figures = ({ provider }: Pick<TracedRow, "provider">, index: number, word: Span): Span[] => [
    ...SIDES.map((_, side) => span(costs[index * SIDES.length + side] ?? "")),
    word,
    ...[provider.requests, provider.inputTokens, provider.outputTokens].map((n) => span(formatTokens(n))),
  ];
  const cells = shown.flatMap((row, index): Row[] => {
    const model = { text: `  ${span(row.model).text}` };
    const line = [model, span(row.tier ?? "–"), ...figures(row, index, span(...WORDS[row.verdict]))];
    return shown[index - 1]?.day === row.day ? [line] : [[span(dayText(row.day), "quiet")], line];
  });
  const total = [span("all"), span(""), ...figures(totals, shown.length, span(""))];
  return [
    ...table(HEAD, [...cells, "rule", total], room),
    ...(isLong ? prose(`${count(rows.length - shown.length, "more row")}: --json has all.`, room) : []),
  ];
}

const signed = (value: number, text = Math.abs(value).toLocaleString("en-US")) =>
  value < 0 ? `-${text}` : text;

/** `1 request, 1,234 in (1,024 cached), 56 out, $0.0012`. */
function amountText(amounts: TracedRow["difference"]): string {
  const { requests, inputTokens, cachedInputTokens, outputTokens, costNanoUsd } = amounts;
  const cached = cachedInputTokens === 0 ? "" : ` (${signed(cachedInputTokens)} cached)`;
  const cost = costNanoUsd === undefined ? "cost unknown" : costText(costNanoUsd);
  return `${signed(requests, count(Math.abs(requests), "request"))}, ${signed(inputTokens)} in${cached}, ${signed(outputTokens)} out, ${cost}`;
}

/** What is only in the ledger is told as it is there, and not as what the provider has less. */
function ownText({ verdict }: TracedRow, difference: TracedRow["difference"]): string {
  if (verdict !== "only-in-ledger") return amountText(difference);
  const { costNanoUsd } = difference;
  return amountText({
    ...negated(difference),
    costNanoUsd: costNanoUsd === undefined ? undefined : 0 - costNanoUsd,
  });
}

function placeText(row: TracedRow, place: NonNullable<TracedRow["places"]>[number]): string {
  const { at, difference, apiKeys, projects, runs } = place;
  const named = (what: string, ids: readonly string[]) =>
    ids.length === 0 ? [] : [`${what} ${ids.join(", ")}`];
  const whose = [...named("key", apiKeys), ...named("project", projects), ...named("beside run", runs)];
  return [`${minuteText(at).slice(11)} UTC  ${ownText(row, difference)}`, ...whose].join("; ");
}

const boundText = (nano: number | undefined) => (nano === undefined ? "" : `, of ${formatUsd(nano)} at most`);

/** Why no minutes are shown. */
function untracedText(
  { places, day }: TracedRow,
  { result, ownCommand }: Pick<ReconciliationView, "result" | "ownCommand">,
): string {
  if (places !== undefined) return "In which minutes cannot be told.";
  if (tracedDays(result.rows).includes(day)) return "The provider keeps its minutes no longer.";
  const days = `--since ${dayText(day)} --until ${dayText(day + DAY_MS)}`;
  return `Not looked into by the minute: only the latest ${MOST_TRACED_DAYS} days that differ are. This one alone: ${ownCommand(`reconcile ${days}`)}`;
}

function differenceLines(view: ReconciliationView, room: { columns: number; indent: number }): Line[] {
  const inside = { ...room, indent: room.indent + 2, style: "quiet" as const };
  const differing = view.result.rows.filter(({ verdict }) => verdict !== "matched").slice(0, MOST_ROWS);
  return differing.flatMap((row) => {
    const { day, model, tier, verdict, difference, lost, places = [] } = row;
    const [word, style] = WORDS[verdict];
    const what = [dayText(day), model, ...(tier === undefined ? [] : [tier]), word].join(", ");
    const hidden = places.length - MOST_PLACES;
    const notes = [
      ...(lost === undefined
        ? []
        : [`Explained by ${count(lost.requests, "lost answer")}${boundText(lost.boundNanoUsd)}.`]),
      ...places.slice(0, MOST_PLACES).map((place) => placeText(row, place)),
      ...(hidden > 0 ? [`${count(hidden, "more minute")}: --json has all.`] : []),
      ...(places.length > 0 ? [] : [untracedText(row, view)]),
    ];
    return [
      [],
      ...prose(`${what}: ${ownText(row, difference)}`, style === undefined ? room : { ...room, style }),
      ...notes.flatMap((text) => prose(text, inside)),
    ];
  });
}

/** What was charged, beside what the tokens of both sides lead one to expect. */
function chargedTexts({ charged, otherCharges }: Reconciliation): string[] {
  const told = charged.filter(({ chargedNanoUsd }) => chargedNanoUsd !== undefined);
  const [sum, difference, rounding] = [
    told.reduce((all, { chargedNanoUsd = 0 }) => all + chargedNanoUsd, 0),
    told.reduce((all, { differenceNanoUsd = 0 }) => all + differenceNanoUsd, 0),
    told.reduce((all, { roundingNanoUsd }) => all + roundingNanoUsd, 0),
  ];
  const compared =
    difference === 0
      ? "what the ledger and the differences come to, to the nano-dollar"
      : `${costText(difference)} beside what the ledger and the differences come to, of which rounding explains ${costText(rounding)}`;
  const untold = charged.length - told.length;
  return [
    ...(told.length === 0 ? [] : [`Charged ${costText(sum)}: ${compared}.`]),
    ...told
      .filter(({ isExplained }) => !isExplained)
      .slice(0, MOST_ROWS)
      .map(
        ({ day, model, expectedNanoUsd, chargedNanoUsd }) =>
          `${dayText(day)}, ${model}: charged ${costText(chargedNanoUsd)} instead of ${costText(expectedNanoUsd)}.`,
      ),
    ...(untold === 0
      ? []
      : [`Not charged yet, or in no line of the invoice: ${count(untold, "day")} of a model.`]),
    ...(otherCharges.length === 0
      ? []
      : [
          `Charged for other things than tokens or in another currency, in no sum: ${otherCharges
            .slice(0, MOST_PLACES)
            .map(({ lineItem = "no line", nanoUsd }) => `${lineItem} ${costText(nanoUsd)}`)
            .join("; ")}.`,
        ]),
  ];
}

/** A row in which the provider has something that nothing explains. */
const isExtra = ({ verdict }: TracedRow) => verdict === "only-at-provider" || verdict === "differs";

/** What is to be known beside the figures. */
const notesOf = ({ rows, gaps, unbilled, underWay }: Reconciliation): string[] => [
  ...gaps
    .slice(0, MOST_PLACES)
    .map(
      ({ conversation, positions, ...amounts }) =>
        `The ledger of ${conversation} lacks what the conversation counts: ${amountText(amounts)}; missing of its entries: ${positions.map((place) => place + 1).join(", ")}.`,
    ),
  ...(unbilled.requests === 0
    ? []
    : [
        `${count(unbilled.requests, "lost answer")}${boundText(unbilled.boundNanoUsd)}: ${rows.some(isExtra) ? "they may be part of what is not explained, and cannot be all of it" : "nothing here was billed for them"}.`,
      ]),
  ...(underWay === 0
    ? []
    : [
        `${count(underWay, "request")} of conversations that have not ended: what they ask meanwhile may be on one side only.`,
      ]),
];

function verdictText({
  rows,
  charged,
  gaps,
  isExplained,
  totals,
}: Reconciliation): [text: string, style: Style] {
  if (!isExplained) {
    const what = [
      [rows.filter(({ verdict }) => verdict !== "matched" && verdict !== "lost").length, "row", " in tokens"],
      [charged.filter((row) => !row.isExplained).length, "charge", " in dollars"],
      [gaps.length, "ledger", " with entries missing"],
    ] as const;
    const told = what.filter(([many]) => many > 0).map(([many, one, how]) => `${count(many, one)}${how}`);
    return [`Not explained: ${told.join(", ")}.`, "failure"];
  }
  const lost = rows.reduce((sum, row) => sum + (row.lost?.requests ?? 0), 0);
  return lost === 0
    ? [`All of ${count(totals.ledger.requests, "request")} matched, to the last token.`, "good"]
    : [`Explained: ${count(lost, "answer")} lost on the way, within what they can have cost.`, "good"];
}

function nextText({ result, command, ownCommand, now }: ReconciliationView): string {
  const { rows, isExplained, charged, gaps, since, underWay } = result;
  if (isExplained)
    return rows.length === 0 ? "Nothing was asked in that time: choose another --since." : "Nothing to do.";
  if (gaps.length > 0) return `Look at the store: ${ownCommand("store check")}`;
  const extra = rows.find(isExtra);
  if (extra !== undefined && underWay > 0)
    return `Let what is under way end first: ${ownCommand("runs")}; then again: ${ownCommand(`reconcile --since ${dayText(since)}`)}`;
  if (extra !== undefined) {
    const days = `--since ${dayText(extra.day)} --until ${dayText(extra.day + DAY_MS)}`;
    return `See whose it is: ${command(`usage ${days} --group-by key,project,user,model`)}; then leave it out with --project or --key.`;
  }
  if (rows.some(({ verdict }) => verdict === "only-in-ledger"))
    return `The provider may count some minutes late, or was asked about another project or key (--project, --key) or organization (OPENAI_ADMIN_KEY). Again later: ${ownCommand(`reconcile --since ${dayText(since)}`)}`;
  const isLatest = charged.some((row) => !row.isExplained && now - row.day < 2 * DAY_MS);
  return `${isLatest ? "Charges of the latest days are not final: again tomorrow. " : ""}Compare the catalog's prices with the invoice: ${command("models")}; your own prices: --catalog`;
}

export function renderReconciliation(view: ReconciliationView, options: ScreenOptions): string[] {
  const { result, host, store, projects, apiKeys } = view;
  const room = { columns: proseColumns(options), indent: INDENT };
  const quiet = { ...room, style: "quiet" as const };
  const [verdict, style] = verdictText(result);
  const part = [
    projects === undefined ? "all projects" : `project ${projects.join(", ")}`,
    apiKeys === undefined ? "all keys" : `key ${apiKeys.join(", ")}`,
  ].join(", ");
  const period = `${minuteText(result.since)} to ${minuteText(result.until)} UTC`;
  const notes = [...chargedTexts(result), ...notesOf(result)];
  return printLines(
    [
      [{ text: "  " }, span("The ledger beside the provider", "strong"), { text: "  " }, span(host, "quiet")],
      ...prose(`${period}; ${part}; store ${store}`, quiet),
      [],
      ...(result.rows.length === 0
        ? prose("Nothing on either side.", room)
        : tableLines(result, { ...room, columns: screenColumns(options) })),
      ...differenceLines(view, room),
      ...(notes.length === 0 ? [] : [[]]),
      ...notes.flatMap((note) => prose(note, room)),
      [],
      ...prose(verdict, { ...room, style }),
      ...prose(nextText(view), room),
    ],
    options,
  );
}
