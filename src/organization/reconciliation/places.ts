/** Where in a day a difference lies: the minute, by whose key, and in which run. Pure. */
import { type Amounts, hasNoTokens, isEqual, minus, NOTHING, negated, plus } from "./amounts.ts";
import type { MinuteRow } from "./provider-side.ts";
import type { Counted, ReconciledRow } from "./reconciled.ts";
import { differenceCost, type LedgerRow, type PriceOf } from "./rows.ts";

/** A minute in which both sides differ. */
export interface Place {
  /** When the minute begins; milliseconds since 1970. */
  at: number;
  /** The provider's less the ledger's. */
  difference: Counted;
  /** At the provider: by whose keys, and for which projects, as far as it tells. */
  apiKeys: string[];
  projects: string[];
  /** In the ledger: of which runs. */
  runs: string[];
}

/** By how much an answer's own time and the provider's count of it may differ. */
const SKEW_MS = 2 * 60_000;

const toldOf = (row: MinuteRow): Amounts => ({ ...row, cachedInputTokens: row.cachedInputTokens ?? 0 });
const known = (names: readonly (string | undefined)[]) => [
  ...new Set(names.filter((name) => name !== undefined)),
];

interface Minute extends Omit<Place, "difference"> {
  difference: Amounts;
}

function minuteOf(at: number, rows: readonly MinuteRow[], entries: readonly LedgerRow[]): Minute {
  const counted = entries.reduce<Amounts>(plus, NOTHING);
  // Where one key's requests are just what the ledger has, the others' are what it has not.
  const own = rows.find((row) => isEqual(toldOf(row), counted));
  const others = rows.filter((row) => row !== own);
  const told = others.map(toldOf).reduce<Amounts>(plus, NOTHING);
  return {
    at,
    difference: own === undefined ? minus(told, counted) : told,
    apiKeys: known(others.map(({ apiKey }) => apiKey)),
    projects: known(others.map(({ project }) => project)),
    runs: known(entries.map(({ run }) => run)),
  };
}

/** Two that cancel each other are one answer, counted a minute apart. */
function withoutSkew(minutes: readonly Minute[]): Minute[] {
  const left: Minute[] = [];
  for (const minute of minutes) {
    const opposite = left.findIndex(
      ({ at, difference }) => minute.at - at <= SKEW_MS && isEqual(difference, negated(minute.difference)),
    );
    if (opposite < 0) left.push(minute);
    else left.splice(opposite, 1);
  }
  return left;
}

/** The minutes of a day's row in which both sides differ; none where the ledger's times are not known so exactly. */
export function placesOf(
  row: ReconciledRow,
  { provider, ledger }: { provider: readonly MinuteRow[]; ledger: readonly LedgerRow[] },
  priceOf: PriceOf,
): Place[] {
  const isMeant = ({ model, tier }: Pick<MinuteRow, "model" | "tier">) =>
    model === row.model && (row.tier === undefined || tier === row.tier);
  const own = ledger.filter(isMeant);
  if (own.some(({ earliest, latest }) => earliest !== latest)) return [];
  const told = Map.groupBy(provider.filter(isMeant), ({ day }) => day);
  const counted = Map.groupBy(own, ({ earliest }) => earliest);
  const minutes = [...new Set([...told.keys(), ...counted.keys()])]
    .sort((a, b) => a - b)
    .map((at) => minuteOf(at, told.get(at) ?? [], counted.get(at) ?? []))
    .filter(({ difference }) => !hasNoTokens(difference));
  const isPriced = row.provider.costNanoUsd !== undefined;
  const price = (amounts: Amounts) => (isPriced ? priceOf(row.model, row.tier, amounts) : undefined);
  return withoutSkew(minutes).map(({ difference, ...minute }) => ({
    ...minute,
    difference: { ...difference, costNanoUsd: differenceCost(price, difference) },
  }));
}
