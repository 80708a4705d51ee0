/** `dramatis costs`: what the provider charged, by what was asked for, and beside it the catalog's prices. */
import { loadCatalog } from "../catalog/catalog.ts";
import { usdText } from "../domain/money.ts";
import { type CostDimension, type CostRow, organizationCosts } from "../organization/costs.ts";
import { type DailyCosts, dailyCosts } from "../organization/daily-costs.ts";
import { addFigures, exactSum } from "../organization/sums.ts";
import type { Column } from "../report/columns.ts";
import { count, formatShare } from "../report/figures.ts";
import { type SpendingTable, usdTexts } from "./screen/spending-view.ts";
import { dayText } from "./screen/utc.ts";
import { runSpending, type SpendingFlags, type SpendingPlan, type Sums } from "./spending-run.ts";
import { groupTable, nameOfPlace } from "./spending-table.ts";
import type { Terminal } from "./terminal.ts";
import { catalogPath } from "./typed-path.ts";

export interface CostsFlags extends SpendingFlags {
  groupBy: readonly CostDimension[];
  byCatalog?: boolean;
  catalog?: string;
}

/** By the name in the code. */
export const COST_TITLES: Readonly<Record<CostDimension, string>> = {
  lineItem: "line item",
  project: "project",
  apiKey: "key",
  user: "user",
};

type Charged = { nanoUsd: number };
/** A day's charge beside what the catalog says; undefined: nothing is known of it. */
interface Day {
  chargedNanoUsd: number;
  catalog?: DailyCosts;
}

const MONTH_MS = 30 * 86_400_000;

/** Below 0 too, for credits. */
const decimal = (nano: number) => `${nano < 0 ? "-" : ""}${usdText(Math.abs(nano))}`;

function columnsOf(groupBy: readonly CostDimension[]): Column<CostRow>[] {
  return [
    ...groupBy.map(
      (dimension): Column<CostRow> => ({
        name: COST_TITLES[dimension].replace(" ", "_"),
        kind: "text",
        of: (row) => row[dimension],
      }),
    ),
    { name: "cost_nano_usd", kind: "integer", of: ({ costNanoUsd }) => costNanoUsd },
    {
      name: "cost_usd",
      kind: "number",
      of: ({ costNanoUsd }) => (costNanoUsd === undefined ? undefined : decimal(costNanoUsd)),
    },
    { name: "other_currency", kind: "text", of: ({ other }) => other?.currency },
    { name: "other_amount", kind: "number", of: ({ other }) => other && decimal(other.nano) },
  ];
}

/** What bars are made of: models, where lines of the invoice tell them; else the first thing asked for. */
function partOf(row: CostRow, groupBy: readonly CostDimension[]): string {
  if (groupBy.includes("lineItem")) return row.lineItem?.split(",")[0]?.trim() || nameOfPlace(undefined);
  const [first] = groupBy;
  return first === undefined ? "all" : nameOfPlace(row[first]);
}

function catalogTable(days: ReadonlyMap<number, Day>): SpendingTable {
  const shown = [...days].filter(
    ([, { chargedNanoUsd, catalog }]) => chargedNanoUsd !== 0 || (catalog?.rows.length ?? 0) > 0,
  );
  const known = shown.map(([, { catalog }]) => catalog?.costNanoUsd ?? 0);
  const total = {
    charged: shown.reduce((sum, [, day]) => exactSum(sum, day.chargedNanoUsd), 0),
    known: known.reduce(exactSum, 0),
    unpriced: shown.reduce((sum, [, { catalog }]) => sum + (catalog?.unpricedRequests ?? 0), 0),
  };
  const charged = usdTexts([...shown.map(([, day]) => day.chargedNanoUsd), total.charged]);
  const priced = usdTexts([...known, total.known]);
  const differences = usdTexts([
    ...shown.map(([, day], index) => day.chargedNanoUsd - (known[index] ?? 0)),
    total.charged - total.known,
  ]);
  const cells = (title: string, index: number, unpriced: number, isKnown: boolean) => {
    const bound = unpriced > 0 ? "≥ " : "";
    return [
      title,
      charged[index] ?? "",
      isKnown ? `${bound}${priced[index]}` : "unknown",
      isKnown ? `${unpriced > 0 ? "≤ " : ""}${differences[index]}` : "–",
      unpriced === 0 ? "" : unpriced.toLocaleString("en-US"),
    ];
  };
  const figure = { isFigure: true };
  return {
    title: "By day, beside the catalog's prices",
    head: [
      { title: "day" },
      { title: "charged", ...figure },
      { title: "by catalog", ...figure },
      { title: "difference", ...figure },
      { title: "requests without a price", ...figure, isOptional: true },
    ],
    rows: [
      ...shown.map(([startsAt, { catalog }], index) =>
        cells(dayText(startsAt), index, catalog?.unpricedRequests ?? 0, catalog?.costNanoUsd !== undefined),
      ),
      "rule",
      cells("all", shown.length, total.unpriced, true),
    ],
  };
}

/** Returns the exit code. */
export async function reportCosts(flags: CostsFlags, terminal: Terminal): Promise<number> {
  const { groupBy } = flags;
  const catalog = flags.byCatalog ? loadCatalog(catalogPath(flags.catalog, terminal.env)) : undefined;
  const others = new Map<string, number>();
  const days = new Map<number, Day>();
  let unknown = 0;
  const addDay = (startsAt: number, more: Partial<Day>) => {
    const { chargedNanoUsd, ...rest } = days.get(startsAt) ?? { chargedNanoUsd: 0 };
    days.set(startsAt, {
      ...rest,
      ...more,
      chargedNanoUsd: exactSum(chargedNanoUsd, more.chargedNanoUsd ?? 0),
    });
  };
  const plan: SpendingPlan<CostRow, Charged> = {
    what: "costs",
    title: "What the organization was charged",
    unit: "US dollars",
    texts: usdTexts,
    bucket: "1d",
    usualMs: MONTH_MS,
    groupBy,
    sheet: {
      columns: columnsOf(groupBy),
      jsonOf: (row) => ({
        ...Object.fromEntries(groupBy.map((dimension) => [dimension, row[dimension] ?? null])),
        costNanoUsd: row.costNanoUsd ?? null,
        ...(row.other === undefined ? {} : { other: row.other }),
      }),
      empty: { costNanoUsd: 0 },
    },
    read: (options) => organizationCosts({ ...options, groupBy }),
    placeOf: (row) => groupBy.map((dimension) => row[dimension]),
    partOf: (row) => partOf(row, groupBy),
    figuresOf({ costNanoUsd, other }) {
      if (other !== undefined)
        others.set(other.currency, exactSum(others.get(other.currency) ?? 0, other.nano));
      else if (costNanoUsd === undefined) unknown += 1;
      return costNanoUsd === undefined ? undefined : { nanoUsd: costNanoUsd };
    },
    valueOf: ({ nanoUsd }) => nanoUsd,
    onBucket({ startsAt, rows }) {
      if (catalog === undefined) return;
      addDay(startsAt, { chargedNanoUsd: rows.reduce((sum, row) => exactSum(sum, row.costNanoUsd ?? 0), 0) });
    },
    async afterwards(options) {
      if (catalog === undefined) return;
      for await (const day of dailyCosts({ ...options, catalog })) addDay(day.startsAt, { catalog: day });
    },
    tables: (sums) => [
      ...(groupBy.length === 0 ? [] : [costsTable(sums, groupBy)]),
      ...(catalog === undefined ? [] : [catalogTable(days)]),
    ],
    notes: () => [
      ...(unknown === 0
        ? []
        : [`${count(unknown, "charge")} of an amount that the provider did not tell, in no sum.`]),
      ...[...others].map(
        ([currency, nano]) =>
          `Charged in another currency, in no sum: ${decimal(nano)} ${currency.toUpperCase()}.`,
      ),
    ],
    tail: ({ total }) => ({
      total: {
        costNanoUsd: total?.nanoUsd ?? 0,
        unknownAmounts: unknown,
        otherNano: Object.fromEntries(others),
      },
      ...(catalog === undefined
        ? {}
        : {
            days: [...days].map(([startsAt, { chargedNanoUsd, catalog: day }]) => ({
              startsAt: new Date(startsAt).toISOString(),
              chargedNanoUsd,
              catalogNanoUsd: day?.costNanoUsd ?? null,
              unpricedRequests: day?.unpricedRequests ?? null,
            })),
          }),
    }),
  };
  return await runSpending(plan, flags, terminal);
}

function costsTable(
  { groups, total = { nanoUsd: 0 } }: Sums<Charged>,
  groupBy: readonly CostDimension[],
): SpendingTable {
  return groupTable({
    titles: groupBy.map((dimension) => COST_TITLES[dimension]),
    figures: [{ title: "cost" }, { title: "share", isOptional: true }],
    groups,
    total,
    sum: addFigures,
    texts: (all) => {
      const amounts = usdTexts(all.map(({ nanoUsd }) => nanoUsd));
      return all.map(({ nanoUsd }, index) => [
        amounts[index] ?? "",
        formatShare(total.nanoUsd > 0 ? nanoUsd / total.nanoUsd : undefined),
      ]);
    },
  });
}
