/** The one JSON object of `dramatis run --json`. */
import type { ConversationRecord } from "../domain/record.ts";
import type { ModelChoice } from "../domain/turn.ts";
import type { Subtotal, Totals } from "../domain/usage.ts";
import { byTierOf } from "../ledger/totals.ts";
import type { Bill } from "../offline/bill.ts";

/** An unknown cost is null: a key that is missing is easily taken for 0. */
const withCost = <S extends Subtotal>(usage: S) => ({ ...usage, costNanoUsd: usage.costNanoUsd ?? null });

const withCosts = (byName: Readonly<Record<string, Subtotal>>) =>
  Object.fromEntries(Object.entries(byName).map(([name, usage]) => [name, withCost(usage)]));

const totals = (usage: Totals) => ({
  ...withCost(usage),
  byPersona: withCosts(usage.byPersona),
  byModel: withCosts(usage.byModel),
  byPurpose: withCosts(usage.byPurpose),
});

/** A turn or a failure, its model's id and the reason for it beside the rest. */
const flat = <T extends { model: ModelChoice; usage: Subtotal }>({ model, usage, ...spoken }: T) => ({
  ...spoken,
  model: model.id,
  modelReason: model.reason,
  usage: withCost(usage),
});

export function runJson(record: ConversationRecord, bill: Bill | undefined, files: readonly string[]) {
  const {
    conversationId,
    scenario,
    seed,
    transport,
    status,
    ending,
    complexity,
    turns,
    failures,
    attempts,
    notices = [],
    usage,
  } = record;
  return {
    conversationId,
    scenario: scenario.id,
    seed,
    transport,
    isCharged: transport === "network",
    status,
    ending,
    complexity,
    turns: turns.map(flat),
    failures: failures.map(flat),
    attempts,
    notices,
    usage: { ...totals(usage.totals), byTier: withCosts(byTierOf(usage.entries)) },
    offline: bill === undefined ? null : { bill },
    files,
  };
}
