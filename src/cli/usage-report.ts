/** `dramatis usage`: requests and tokens of an organization, by what was asked for. */
import type { BucketWidth } from "../organization/options.ts";
import { addFigures } from "../organization/sums.ts";
import { organizationUsage, type UsageDimension, type UsageRow } from "../organization/usage.ts";
import type { Column } from "../report/columns.ts";
import { count, formatTokens } from "../report/figures.ts";
import { tokenTexts } from "./screen/spending-view.ts";
import { runSpending, type SpendingFlags, type SpendingPlan } from "./spending-run.ts";
import { groupTable, nameOfPlace } from "./spending-table.ts";
import type { Terminal } from "./terminal.ts";

export interface UsageFlags extends SpendingFlags {
  bucket: BucketWidth;
  groupBy: readonly UsageDimension[];
}

/** By the name in the code. */
export const USAGE_TITLES: Readonly<Record<UsageDimension, string>> = {
  model: "model",
  project: "project",
  user: "user",
  apiKey: "key",
  batch: "batch",
  tier: "tier",
};

/** Cached tokens are a lower bound where `uncertain` requests did not tell. */
type Used = {
  requests: number;
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  otherTokens: number;
  uncertain: number;
};

const HOUR_MS = 3_600_000;
/** Some 24 to 60 bars. */
const USUAL_MS: Readonly<Record<BucketWidth, number>> = {
  "1m": HOUR_MS,
  "1h": 24 * HOUR_MS,
  "1d": 30 * 24 * HOUR_MS,
};

const NOTHING: UsageRow = {
  requests: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  otherTokens: 0,
};

function placeOf(row: UsageRow, dimension: UsageDimension): string | undefined {
  if (dimension === "batch") return row.batch === undefined ? undefined : row.batch ? "batch" : "no batch";
  return dimension === "tier" ? row.serviceTier : row[dimension];
}

function columnsOf(groupBy: readonly UsageDimension[]): Column<UsageRow>[] {
  return [
    ...groupBy.map(
      (dimension): Column<UsageRow> =>
        dimension === "batch"
          ? { name: "batch", kind: "boolean", of: ({ batch }) => batch }
          : { name: USAGE_TITLES[dimension], kind: "text", of: (row) => placeOf(row, dimension) },
    ),
    { name: "requests", kind: "integer", of: ({ requests }) => requests },
    { name: "input_tokens", kind: "integer", of: ({ inputTokens }) => inputTokens },
    { name: "cached_input_tokens", kind: "integer", of: ({ cachedInputTokens }) => cachedInputTokens },
    { name: "output_tokens", kind: "integer", of: ({ outputTokens }) => outputTokens },
    { name: "other_tokens", kind: "integer", of: ({ otherTokens }) => otherTokens },
  ];
}

const jsonPlace = (row: UsageRow, dimension: UsageDimension) =>
  (dimension === "batch" ? row.batch : placeOf(row, dimension)) ?? null;

/** Returns the exit code. */
export async function reportUsage(flags: UsageFlags, terminal: Terminal): Promise<number> {
  const { bucket, groupBy } = flags;
  let otherTokens = 0;
  const plan: SpendingPlan<UsageRow, Used> = {
    what: "usage",
    title: "What the organization used",
    unit: "tokens, in and out",
    texts: tokenTexts,
    bucket,
    usualMs: USUAL_MS[bucket],
    groupBy,
    sheet: {
      columns: columnsOf(groupBy),
      jsonOf: (row) => ({
        ...Object.fromEntries(groupBy.map((dimension) => [dimension, jsonPlace(row, dimension)])),
        requests: row.requests,
        inputTokens: row.inputTokens,
        cachedInputTokens: row.cachedInputTokens ?? null,
        outputTokens: row.outputTokens,
        otherTokens: row.otherTokens,
      }),
      empty: NOTHING,
    },
    read: (options) => organizationUsage({ ...options, bucket, groupBy }),
    placeOf: (row) => groupBy.map((dimension) => placeOf(row, dimension)),
    partOf(row) {
      const part = groupBy.includes("model") ? "model" : groupBy[0];
      return part === undefined ? "all" : nameOfPlace(placeOf(row, part));
    },
    figuresOf({ requests, inputTokens, cachedInputTokens, outputTokens, ...row }) {
      otherTokens += row.otherTokens;
      const uncertain = cachedInputTokens === undefined ? requests : 0;
      return {
        requests,
        inputTokens,
        cachedInputTokens: cachedInputTokens ?? 0,
        outputTokens,
        otherTokens: row.otherTokens,
        uncertain,
      };
    },
    valueOf: ({ inputTokens, outputTokens }) => inputTokens + outputTokens,
    tables: ({ groups, total }) => [
      groupTable({
        titles: groupBy.length === 0 ? [""] : groupBy.map((dimension) => USAGE_TITLES[dimension]),
        figures: [
          { title: "requests" },
          { title: "input" },
          { title: "cached", isOptional: true },
          { title: "output" },
        ],
        groups: groupBy.length === 0 ? [] : groups,
        total: total ?? { ...NOTHING, cachedInputTokens: 0, uncertain: 0 },
        sum: addFigures,
        texts: (all) =>
          all.map((used) => [
            formatTokens(used.requests),
            formatTokens(used.inputTokens),
            `${used.uncertain > 0 ? "≥ " : ""}${formatTokens(used.cachedInputTokens)}`,
            formatTokens(used.outputTokens),
          ]),
      }),
    ],
    notes: () =>
      otherTokens === 0
        ? []
        : [`${count(otherTokens, "token")} of sound and images, which have prices of their own.`],
    tail: ({ total }) => {
      const { uncertain = 0, cachedInputTokens = 0, ...figures } = total ?? { ...NOTHING, uncertain: 0 };
      return { total: { ...figures, cachedInputTokens: uncertain > 0 ? null : cachedInputTokens } };
    },
  };
  return await runSpending(plan, flags, terminal);
}
