/** The rows of the cost tables: one a persona, one a model, one a tier where there are others than standard, each with its share of the known total. */
import type { ConversationRecord } from "../domain/record.ts";
import type { Subtotal, UsageEntry } from "../domain/usage.ts";
import { byTierOf, subtotalOf } from "../ledger/totals.ts";
import { nameOf } from "./timeline.ts";

export interface CostRow {
  /** Id of the persona, the model or the tier; undefined for the total and for requests made for no persona. */
  id: string | undefined;
  name: string;
  usage: Subtotal;
  /** Share of the total's cost, 0 to 1; undefined when either has an unknown part or the total is 0. */
  share: number | undefined;
}

export interface CostRows {
  byPersona: CostRow[];
  byModel: CostRow[];
  /** Empty where everything was asked at standard. */
  byTier: CostRow[];
  total: CostRow;
}

/** Sum of the entries that name no persona, as the moderator's do; undefined when there are none. */
function withoutPersona(entries: readonly UsageEntry[]): Subtotal | undefined {
  const rest = entries.filter(({ persona }) => persona === undefined);
  return rest.length === 0 ? undefined : subtotalOf(rest);
}

const isFullyKnown = ({ costNanoUsd, unpricedRequests }: Subtotal) =>
  costNanoUsd !== undefined && unpricedRequests === 0;

/** Rows in the order of the cast, models and tiers by falling cost; personas that made no request are left out. */
export function costRows(record: ConversationRecord): CostRows {
  const { totals, entries } = record.usage;
  const row = (id: string | undefined, name: string, usage: Subtotal): CostRow => ({
    id,
    name,
    usage,
    share:
      isFullyKnown(usage) && isFullyKnown(totals) && totals.costNanoUsd
        ? (usage.costNanoUsd ?? 0) / totals.costNanoUsd
        : undefined,
  });
  const place = (id: string) => {
    const index = record.participants.findIndex((participant) => participant.id === id);
    return index === -1 ? record.participants.length : index;
  };
  const byCost = (groups: Readonly<Record<string, Subtotal>>) =>
    Object.entries(groups)
      .sort(([, a], [, b]) => (b.costNanoUsd ?? 0) - (a.costNanoUsd ?? 0))
      .map(([id, usage]) => row(id, id, usage));
  const rest = withoutPersona(entries);
  return {
    byPersona: [
      ...Object.entries(totals.byPersona)
        .sort(([a], [b]) => place(a) - place(b))
        .map(([id, usage]) => row(id, nameOf(record.participants, id), usage)),
      ...(rest === undefined ? [] : [row(undefined, "moderator and others", rest)]),
    ],
    byModel: byCost(totals.byModel),
    byTier: entries.some(({ tier }) => tier !== "standard") ? byCost(byTierOf(entries)) : [],
    total: row(undefined, "total", totals),
  };
}
