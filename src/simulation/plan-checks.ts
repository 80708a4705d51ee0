/** What programs ask of simulations, checked before anything is written: each mistake by its field. Pure. */
import type { Catalog } from "../catalog/catalog.ts";
import { settingsReader } from "../conversation/settings-reader.ts";
import type { ConversationContextInput } from "../conversation/state.ts";
import { DramatisError } from "../domain/errors.ts";
import { nanoUsd } from "../domain/money.ts";
import { describe } from "../domain/problem-words.ts";
import type { Scenario } from "../scenario/scenario.ts";

export const TRANSPORTS = ["network", "batch"] as const;
/** How the requests of a run travel: each by itself, or together in batches, at half the price and within a day. */
export type Transport = (typeof TRANSPORTS)[number];

const MOST_CONVERSATIONS = 1_000_000;
/** Of the first conversation; those of all others lie below 2^32. */
const MOST_SEED = 2 ** 31 - 1;
const MOST_AT_ONCE = 10_000;
/** A nano-dollar, the unit of account: whatever is less would be 0. */
const LEAST_DOLLARS = 1e-9;
const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Of the field's value; programs without types may give anything. */
function refuse(field: string, expected: string, got: unknown): never {
  throw new DramatisError("invalid-argument", `${field}: expected ${expected}, got ${describe(got)}.`);
}

function checkWhole(field: string, value: unknown, { min, max }: { min: number; max: number }): void {
  if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) return;
  const range = [min, max].map((bound) => bound.toLocaleString("en-US")).join(" to ");
  refuse(field, `a whole number from ${range}`, value);
}

/**
 * A cap as the store keeps it; undefined: none.
 * @throws DramatisError `invalid-argument`
 */
export function capOf(maxCostUsd: number | undefined): number | undefined {
  if (maxCostUsd === undefined) return undefined;
  if (Number.isFinite(maxCostUsd) && maxCostUsd >= LEAST_DOLLARS) return nanoUsd(maxCostUsd);
  return refuse("A run's cap maxCostUsd", "dollars above 0, at least 0.000000001", maxCostUsd);
}

/** @throws DramatisError `invalid-argument` */
export function checkConcurrency(concurrency: number): void {
  checkWhole("A worker's concurrency", concurrency, { min: 1, max: MOST_AT_ONCE });
}

/** @throws DramatisError `invalid-argument` for what cannot name a run */
export function checkRunId(id: string): void {
  if (typeof id !== "string" || !RUN_ID.test(id))
    refuse("A run's id", 'up to 100 letters, digits, ".", "_" and "-", a letter or digit first', id);
}

/** What plans of scenarios and of experiments have in common. */
export interface Asked {
  id: string;
  conversations: number;
  /** Of the first conversation; undefined: one is drawn. */
  seed: number | undefined;
  context: ConversationContextInput;
  transport: Transport | undefined;
  /** Every one that conversations of the run will have. */
  scenarios: readonly Scenario[];
}

/** @throws DramatisError `invalid-argument`; `unknown-name` for a model or a persona that there is not */
export function checkAsked(
  { id, conversations, seed, context, transport, scenarios }: Asked,
  catalog: Catalog,
): void {
  checkRunId(id);
  checkWhole("A run's conversations", conversations, { min: 1, max: MOST_CONVERSATIONS });
  if (seed !== undefined) checkWhole("A run's seed", seed, { min: 0, max: MOST_SEED });
  if (transport !== undefined && !TRANSPORTS.includes(transport))
    refuse("A run's transport", TRANSPORTS.join(" or "), transport);
  if (typeof context !== "object" || context === null || Array.isArray(context))
    refuse("A run's context", "a mapping", context);
  for (const scenario of scenarios) settingsReader(scenario, catalog)({ context });
  if (transport === "batch" && context.tier !== undefined)
    refuse("A run's tier", "none beside the transport batch, which has its own price", context.tier);
}
