/** What differs, row by row: how much, where in the day, by whose key, and which ledger may lack it. */
import { formatUsd } from "../../domain/money.ts";
import type { Reconciliation, TracedRow } from "../../organization/reconcile.ts";
import { count } from "../../report/figures.ts";
import type { LedgerGap } from "../../store/spending.ts";
import { type Line, prose, span } from "./line.ts";
import type { Style } from "./paint.ts";
import { dayText } from "./utc.ts";

type Differing = Exclude<TracedRow["verdict"], "matched">;
type Place = NonNullable<TracedRow["places"]>[number];

const MOST_ROWS = 12;
const MOST_PLACES = 5;
const MOST_RUNS = 3;

const TITLES: Readonly<Record<Differing, [title: string, style: Style]>> = {
  lost: ["Lost: at the provider, and explained by answers that were lost", "warning"],
  "only-at-provider": ["Extra: only at the provider", "failure"],
  "only-in-ledger": ["Missing: only in the ledger", "failure"],
  differs: ["Differs: more of one kind of tokens, less of another", "failure"],
};

const signed = (value: number, text: string) => (value < 0 ? `-${text}` : text);
const tokens = (value: number) => signed(value, Math.abs(value).toLocaleString("en-US"));

/** `1 request, 1,234 in (1,024 cached), 56 out`. */
function amountText({ requests, inputTokens, cachedInputTokens, outputTokens }: Place["difference"]): string {
  const cached = cachedInputTokens === 0 ? "" : ` (${tokens(cachedInputTokens)} cached)`;
  return `${signed(requests, count(Math.abs(requests), "request"))}, ${tokens(inputTokens)} in${cached}, ${tokens(outputTokens)} out`;
}

const costText = (nano: number | undefined) =>
  nano === undefined ? "cost unknown" : signed(nano, formatUsd(Math.abs(nano)));

const gapText = ({ conversation, positions }: LedgerGap) =>
  `${conversation} counts exactly this, and its ledger does not hold it: ${count(positions.length, "entry").replace("entrys", "entries")} missing, at ${positions.map((place) => place + 1).join(", ")}`;

function placeText({ at, difference, apiKeys, projects, nearRuns, gap }: Place): string {
  const whose = [...apiKeys.map((key) => `key ${key}`), ...projects.map((project) => `project ${project}`)];
  const parts = [
    amountText(difference),
    ...(whose.length === 0 ? [] : [whose.join(", ")]),
    ...(gap === undefined ? [] : [gapText(gap)]),
    ...(gap !== undefined || nearRuns.length === 0 ? [] : [`nearest in time: ${nearRuns.join(", ")}`]),
  ];
  return `${new Date(at).toISOString().slice(11, 16)} UTC  ${parts.join("; ")}`;
}

function lostText({ verdict, lost }: TracedRow): string[] {
  if (lost.requests === 0) return [];
  const bound =
    lost.boundNanoUsd === undefined ? "" : `, which can have cost ${formatUsd(lost.boundNanoUsd)} at most`;
  const what = `${count(lost.requests, "answer")} lost on the way${bound}`;
  return verdict === "lost"
    ? [`Explained by ${what}.`]
    : [`${what}, may be part of it, and cannot be all of it.`];
}

function rowLines(row: TracedRow, room: { columns: number; indent: number }): Line[] {
  const { day, model, tier, difference, verdict, places = [], gap, runs } = row;
  const inside = { ...room, indent: room.indent + 2, style: "quiet" as const };
  const head = `${dayText(day)}  ${model}${tier === undefined ? "" : `, ${tier}`}: ${amountText(difference)}, ${costText(difference.costNanoUsd)}`;
  const hidden = places.length - MOST_PLACES;
  const isPlaced = places.length > 0 || verdict === "lost";
  const near = runs.slice(0, MOST_RUNS).map(({ run, requests }) => `${run} (${count(requests, "request")})`);
  const told = [
    ...lostText(row),
    ...places.slice(0, MOST_PLACES).map(placeText),
    ...(hidden > 0 ? [`and ${count(hidden, "more minute")}: --json has all`] : []),
    ...(isPlaced ? [] : ["The provider does not tell more than the day, model and tier."]),
    ...(isPlaced || near.length === 0 ? [] : [`Runs of that day, model and tier: ${near.join(", ")}`]),
    ...(gap !== undefined && places.every((place) => place.gap === undefined) ? [gapText(gap)] : []),
  ];
  return [...prose(head, room), ...told.flatMap((text) => prose(text, inside))];
}

export function differenceLines({ rows }: Reconciliation, room: { columns: number; indent: number }): Line[] {
  return (Object.keys(TITLES) as Differing[]).flatMap((verdict): Line[] => {
    const meant = rows.filter((row) => row.verdict === verdict);
    const [title, style] = TITLES[verdict];
    const hidden = meant.length - MOST_ROWS;
    if (meant.length === 0) return [];
    return [
      [],
      [{ text: " ".repeat(room.indent) }, span(title, style)],
      ...meant.slice(0, MOST_ROWS).flatMap((row) => rowLines(row, room)),
      ...(hidden > 0 ? prose(`and ${count(hidden, "more row")}: --csv has all`, room) : []),
    ];
  });
}
