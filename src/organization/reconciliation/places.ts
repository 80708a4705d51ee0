/** Where in a day a difference lies: the minute, the key, and the ledger that may lack it. Pure. */
import type { LedgerGap } from "../../store/spending.ts";
import { type Amounts, hasNoTokens, isEqual, minus, NOTHING, negated, plus } from "./amounts.ts";
import type { MinuteRow } from "./provider-side.ts";
import type { ReconciledRow } from "./reconciled-row.ts";
import type { LedgerRow } from "./rows.ts";

/** A minute in which both sides differ. */
export interface Place {
  /** When the minute begins; milliseconds since 1970. */
  at: number;
  /** The provider's less the ledger's. */
  difference: Amounts;
  /** By whose keys, and for which projects, as far as the provider tells. */
  apiKeys: string[];
  projects: string[];
  /** Of the ledger, those whose requests of this model and tier are nearest in time. */
  nearRuns: string[];
  /** A conversation that counts exactly this, and whose ledger does not hold it. */
  gap: LedgerGap | undefined;
}

export interface PlaceSources {
  /** By the minute. */
  provider: readonly MinuteRow[];
  ledger: readonly LedgerRow[];
  gaps: readonly LedgerGap[];
}

const MINUTE_MS = 60_000;
/** By how much an answer's own time and the provider's count of it may differ. */
const SKEW_MS = 2 * MINUTE_MS;
const MOST_RUNS = 3;

const isTime = ({ earliest, latest }: LedgerRow) => earliest === latest;
const toldOf = (row: MinuteRow): Amounts => ({ ...row, cachedInputTokens: row.cachedInputTokens ?? 0 });
const known = (names: readonly (string | undefined)[]) => [
  ...new Set(names.filter((name) => name !== undefined)),
];

function placeIn(at: number, rows: readonly MinuteRow[], ledger: Amounts): Omit<Place, "nearRuns" | "gap"> {
  // Where one key's requests are just what the ledger has, the others' are what it has not.
  const own = rows.find((row) => isEqual(toldOf(row), ledger));
  const others = own === undefined ? rows : rows.filter((row) => row !== own);
  const told = others.map(toldOf).reduce<Amounts>(plus, NOTHING);
  return {
    at,
    difference: own === undefined ? minus(told, ledger) : told,
    apiKeys: known(others.map(({ apiKey }) => apiKey)),
    projects: known(others.map(({ project }) => project)),
  };
}

/** Two that cancel each other are one answer, counted a minute apart. */
function withoutSkew<P extends Pick<Place, "at" | "difference">>(places: readonly P[]): P[] {
  const left = new Set(places);
  for (const place of places) {
    const other = places.find(
      (one) =>
        left.has(one) &&
        left.has(place) &&
        Math.abs(one.at - place.at) <= SKEW_MS &&
        isEqual(one.difference, negated(place.difference)),
    );
    if (other === undefined) continue;
    left.delete(other);
    left.delete(place);
  }
  return [...left];
}

export function gapOf(difference: Amounts, gaps: readonly LedgerGap[]): LedgerGap | undefined {
  const meant = gaps.filter((gap) => isEqual(gap, difference));
  return meant.length === 1 ? meant[0] : undefined;
}

function nearRuns(at: number, ledger: readonly LedgerRow[]): string[] {
  const byTime = ledger.toSorted((a, b) => Math.abs(a.earliest - at) - Math.abs(b.earliest - at));
  return [...new Set(byTime.map(({ run }) => run))].slice(0, MOST_RUNS);
}

/** The minutes of a day's row in which both sides differ; none where the ledger's times are not known so exactly. */
export function placesOf(row: ReconciledRow, { provider, ledger, gaps }: PlaceSources): Place[] {
  const isMeant = ({ model, tier }: Pick<MinuteRow, "model" | "tier">) =>
    model === row.model && (row.tier === undefined || tier === row.tier);
  const own = ledger.filter(isMeant);
  if (!own.every(isTime)) return [];
  const told = Map.groupBy(provider.filter(isMeant), ({ day }) => day);
  const counted = Map.groupBy(own, ({ earliest }) => earliest);
  const places = [...new Set([...told.keys(), ...counted.keys()])]
    .sort((a, b) => a - b)
    .map((at) => {
      const amounts = (counted.get(at) ?? []).reduce<Amounts>(plus, NOTHING);
      return placeIn(at, told.get(at) ?? [], amounts);
    })
    .filter(({ difference }) => !hasNoTokens(difference));
  return withoutSkew(places).map((place) => ({
    ...place,
    nearRuns: nearRuns(place.at, own),
    gap: gapOf(place.difference, gaps),
  }));
}
