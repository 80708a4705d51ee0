/** The one JSON object of `dramatis run --json`. */
import type { ConversationRecord } from "../domain/record.ts";
import type { Bill } from "../offline/bill.ts";

export function runJson(record: ConversationRecord, bill: Bill | undefined, files: readonly string[]) {
  const { conversationId, scenario, seed, status, ending, complexity, turns, failures, usage } = record;
  return {
    conversationId,
    scenario: scenario.id,
    seed,
    status,
    ending,
    complexity,
    turns: turns.map(({ model, ...turn }) => ({ ...turn, model: model.id, modelReason: model.reason })),
    failures,
    usage: usage.totals,
    offline: bill === undefined ? null : { bill },
    files,
  };
}
