/** What `dramatis reconcile` shows: a row for each day of a model, what differs and where, and what to do next. */
import { formatUsd } from "../../domain/money.ts";
import type { Reconciliation, TracedRow } from "../../organization/reconcile.ts";
import { count, formatTokens } from "../../report/figures.ts";
import {
  type Line,
  printLines,
  prose,
  proseColumns,
  type ScreenOptions,
  screenColumns,
  span,
} from "./line.ts";
import type { Style } from "./paint.ts";
import { chargedLines } from "./reconciliation-charges.ts";
import { differenceLines } from "./reconciliation-differences.ts";
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
/** More rows are for a spreadsheet. */
const MOST_ROWS = 40;

export const WORDS: Readonly<Record<TracedRow["verdict"], [word: string, style: Style | undefined]>> = {
  matched: ["matched", undefined],
  lost: ["lost", "warning"],
  "only-at-provider": ["extra", "failure"],
  "only-in-ledger": ["missing", "failure"],
  differs: ["differs", "failure"],
};

/** `all projects and keys`, `project proj_a, key key_b`. */
function partText({ projects, apiKeys }: ReconciliationView): string {
  const parts = [
    ...(projects === undefined ? [] : [`project ${projects.join(", ")}`]),
    ...(apiKeys === undefined ? [] : [`key ${apiKeys.join(", ")}`]),
  ];
  return parts.length === 0 ? "all projects and keys" : parts.join(", ");
}

const right = "right" as const;
const HEAD: readonly Column[] = [
  { title: "day and model", isWhole: true },
  { title: "tier" },
  { title: "ledger", align: right },
  { title: "provider", align: right },
  { title: "difference", align: right },
  { title: "" },
  { title: "requests", align: right, isOptional: true },
  { title: "input", align: right, isOptional: true },
  { title: "output", align: right, isOptional: true },
];

/** Amounts whose points stand in line, and `unknown`. */
function costTexts(amounts: readonly (number | undefined)[]): string[] {
  const texts = usdTexts(amounts.map((amount) => amount ?? 0));
  return amounts.map((amount, index) => (amount === undefined ? "unknown" : (texts[index] ?? "")));
}

function tableLines({ rows, totals }: Reconciliation, columns: number): Line[] {
  const isLong = rows.length > MOST_ROWS;
  const shown = isLong ? rows.filter(({ verdict }) => verdict !== "matched").slice(0, MOST_ROWS) : rows;
  const all = [...shown, totals];
  const [ledger, provider, difference] = (["ledger", "provider", "difference"] as const).map((side) =>
    costTexts(all.map((row) => row[side].costNanoUsd)),
  );
  const figures = (row: Pick<TracedRow, "provider">, index: number) => [
    span(ledger?.[index] ?? ""),
    span(provider?.[index] ?? ""),
    span(difference?.[index] ?? ""),
    span(""),
    span(formatTokens(row.provider.requests)),
    span(formatTokens(row.provider.inputTokens)),
    span(formatTokens(row.provider.outputTokens)),
  ];
  const cells = shown.flatMap((row, index): Row[] => {
    const own = figures(row, index).with(3, span(...WORDS[row.verdict]));
    const model = [{ text: "  " }, span(row.model)].map(({ text }) => text).join("");
    const line: Row = [{ text: model }, span(row.tier ?? "–"), ...own];
    return shown[index - 1]?.day === row.day ? [line] : [[span(dayText(row.day), "quiet")], line];
  });
  const hidden = rows.length - shown.length;
  return [
    ...table(HEAD, [...cells, "rule", [span("all"), span(""), ...figures(totals, shown.length)]], {
      columns,
      indent: INDENT,
    }),
    ...(hidden === 0
      ? []
      : prose(`${count(hidden, "more row")}, matched or many, in the sums and not shown: --csv has all.`, {
          columns: Math.min(columns, 100),
          indent: INDENT,
          style: "quiet",
        })),
  ];
}

/** What is to be known beside the figures. */
function notesOf({ unbilled, otherCharges, uncountedCharges, underWay }: Reconciliation): string[] {
  const other = otherCharges.reduce((sum, { nanoUsd }) => sum + nanoUsd, 0);
  const bound = unbilled.boundNanoUsd === undefined ? "" : `, of ${formatUsd(unbilled.boundNanoUsd)} at most`;
  return [
    ...(unbilled.requests === 0
      ? []
      : [
          `${count(unbilled.requests, "lost answer")}${bound}: nothing was billed for them that both sides do not have.`,
        ]),
    ...(otherCharges.length === 0
      ? []
      : [
          `Charged for other things than tokens, in no sum: ${usdTexts([other])[0]} (${otherCharges
            .map(({ lineItem = "no line" }) => lineItem)
            .slice(0, 3)
            .join("; ")}).`,
        ]),
    ...(uncountedCharges === 0
      ? []
      : [
          `${count(uncountedCharges, "charge")} in another currency, or of an amount that was not told, in no sum.`,
        ]),
    ...(underWay === 0
      ? []
      : [
          `${count(underWay, "request")} of conversations that have not ended: what they ask meanwhile may be on one side only.`,
        ]),
  ];
}

function verdictText({ rows, charged, isExplained, totals }: Reconciliation): [text: string, style: Style] {
  if (!isExplained) {
    const differing = rows.filter(({ verdict }) => verdict !== "matched" && verdict !== "lost").length;
    const wrong = charged.filter((row) => !row.isExplained).length;
    const what = [
      ...(differing === 0 ? [] : [`${count(differing, "row")} in tokens`]),
      ...(wrong === 0 ? [] : [`${count(wrong, "charge")} in dollars`]),
    ];
    return [`Not explained: ${what.join(" and ")}.`, "failure"];
  }
  const lost = rows.filter(({ verdict }) => verdict === "lost");
  if (lost.length === 0)
    return [`All of ${count(totals.ledger.requests, "request")} matched, to the last token.`, "good"];
  const requests = lost.reduce((sum, row) => sum + row.lost.requests, 0);
  return [
    `Explained: ${count(requests, "answer")} that were lost on their way, within what they can have cost.`,
    "good",
  ];
}

function nextText({ result, command, ownCommand, now }: ReconciliationView): string {
  const { rows, isExplained, charged } = result;
  const has = (verdict: TracedRow["verdict"]) => rows.some((row) => row.verdict === verdict);
  const differing = rows.filter(({ verdict }) => verdict === "only-at-provider" || verdict === "differs");
  const day = differing[0]?.day;
  if (isExplained)
    return rows.length === 0 ? "Nothing was asked in that time: choose another --since." : "Nothing to do.";
  if (rows.some(({ gap, places = [] }) => gap ?? places.some((place) => place.gap)))
    return `A ledger of this store lacks what its conversation counts. Look at all of it: ${ownCommand("store check")}`;
  if (day !== undefined) {
    const usage = command(
      `usage --since ${dayText(day)} --until ${dayText(day + 86_400_000)} --group-by key,project,user,model`,
    );
    return `See whose it is: ${usage}; then leave it out with --project or --key. Where it is this store's own: ${ownCommand("store check")}`;
  }
  if (has("only-in-ledger"))
    return `The provider's report may be some minutes behind; it may be asked about another project or key (--project, --key) or organization (OPENAI_ADMIN_KEY). Again later: ${ownCommand(`reconcile --since ${dayText(result.since)}`)}`;
  const wrong = charged.find((row) => !row.isExplained);
  const lateness =
    wrong !== undefined && now - wrong.day < 2 * 86_400_000
      ? "Charges of the latest days are not final: again tomorrow. "
      : "";
  return `${lateness}Compare the catalog's prices with the invoice: ${command("models")}; your own prices: --catalog`;
}

export function renderReconciliation(view: ReconciliationView, options: ScreenOptions): string[] {
  const { result } = view;
  const columns = screenColumns(options);
  const room = { columns: proseColumns(options), indent: INDENT };
  const [verdict, style] = verdictText(result);
  const notes = notesOf(result);
  const period = `${minuteText(result.since)} to ${minuteText(result.until)} UTC`;
  return printLines(
    [
      [
        { text: "  " },
        span("The ledger beside the provider", "strong"),
        { text: "  " },
        span(view.host, "quiet"),
      ],
      ...prose(`${period}; ${partText(view)}; store ${view.store}`, { ...room, style: "quiet" }),
      [],
      ...(result.rows.length === 0
        ? prose("Nothing on either side.", room)
        : [...tableLines(result, columns), ...chargedLines(result, { ...room, columns })]),
      ...differenceLines(result, room),
      ...(notes.length === 0 ? [] : [[]]),
      ...notes.flatMap((note) => prose(note, { ...room, style: "quiet" })),
      [],
      ...prose(verdict, { ...room, style }),
      ...prose(nextText(view), room),
    ],
    options,
  );
}
