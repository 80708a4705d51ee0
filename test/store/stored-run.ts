/** A run in a store, its conversations ended as the test says. */
import type { ConversationRecord } from "../../src/domain/record.ts";
import { claim, finish } from "../../src/store/conversations.ts";
import { createRun } from "../../src/store/runs.ts";
import type { Store } from "../../src/store/store.ts";
import { samplePersona } from "../domain/sample-persona.ts";
import { sampleRecord } from "../report/sample-record.ts";

/** As a run's definition has it, as far as exports look. */
export const storedScenario = {
  id: "api-pricing",
  topic: "Flat plans, metered pricing, or a mix of both?",
  cast: ["maya-okafor", "tomas-berg", "lin-wei"].map((id) =>
    samplePersona(id, { name: `${id} name`, privateNotes: [`${id} note`] }),
  ),
};

export interface PlannedRecord {
  /** Undefined: it has not begun. */
  record: Partial<ConversationRecord> | undefined;
  arm?: string;
  settings?: object;
}

/** Conversations get the ids `<run>-1`, `<run>-2`, … in their order, and the seeds 100, 101, …. */
export async function storeRun(
  { sql }: Store,
  id: string,
  conversations: readonly PlannedRecord[],
): Promise<void> {
  await createRun(sql, {
    id,
    scenario: storedScenario.id,
    definition: { scenario: storedScenario, context: {} },
    maxCostNanoUsd: undefined,
    conversations: conversations.map(({ arm, settings }, position) => ({
      id: `${id}-${position + 1}`,
      position,
      arm,
      settings: { seed: 100 + position, ...settings },
    })),
  });
  for (const [position, { record }] of conversations.entries()) {
    if (record === undefined) continue;
    const conversationId = `${id}-${position + 1}`;
    const claimed = await claim(sql, { conversationId, lease: "lease", worker: "worker" });
    if (claimed === undefined) throw new Error(`${conversationId} cannot be claimed`);
    await sql.transaction((tx) =>
      finish(tx, claimed, sampleRecord({ conversationId, seed: 100 + position, ...record })),
    );
  }
}
