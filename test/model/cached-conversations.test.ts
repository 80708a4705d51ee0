/** The response cache over the wire: identical conversations are paid once, by the server's own bill. */
import { describe, expect, it } from "vitest";
import { conversationRecordSchema } from "../../src/domain/record.ts";
import { createMemoryCache } from "../../src/model/memory-cache.ts";
import { transcriptMarkdown } from "../../src/report/transcript.ts";
import { openStage } from "../conversation/stage.ts";

describe("two identical conversations with one cache", () => {
  it("cost what one costs, and say what was saved", async () => {
    const cache = createMemoryCache();
    const first = await openStage({ gateway: { cache } });
    const paid = await first.run();
    const second = await openStage({ gateway: { cache } });
    const free = await second.run();
    expect(free.turns.map(({ message }) => message)).toEqual(paid.turns.map(({ message }) => message));
    expect(first.server.bill.costNanoUsd).toBe(paid.usage.totals.costNanoUsd);
    expect(second.server.bill.requests).toBe(0);
    expect(free.usage.totals).toMatchObject({
      requests: paid.usage.totals.requests,
      inputTokens: 0,
      costNanoUsd: 0,
      cacheHits: paid.usage.totals.requests,
      savedNanoUsd: paid.usage.totals.costNanoUsd,
    });
    expect(free.usage.totals.byPersona.ada?.cacheHits).toBeGreaterThan(0);
    expect(free.usage.entries.every(({ fromCache }) => fromCache)).toBe(true);
    expect(paid.usage.totals).not.toHaveProperty("cacheHits");
    expect(transcriptMarkdown(free)).toMatch(/\n\d+ answers from the cache saved \$0\.\d+\.\n/);
    expect(transcriptMarkdown(paid)).not.toContain("cache saved");
    expect(conversationRecordSchema.parse(free)).toEqual(free);
  });

  it("at the same time send every request once", async () => {
    const cache = createMemoryCache();
    const stage = await openStage({ gateway: { cache } });
    const records = await Promise.all(
      Array.from({ length: 8 }, (_, index) => stage.run({ conversationId: `test-${index}` })),
    );
    const requests = records[0]?.usage.totals.requests ?? 0;
    expect(stage.server.bill.requests).toBe(requests);
    const spent = records.reduce((sum, { usage }) => sum + (usage.totals.costNanoUsd ?? 0), 0);
    expect(spent).toBe(stage.server.bill.costNanoUsd);
    const hits = records.reduce((sum, { usage }) => sum + (usage.totals.cacheHits ?? 0), 0);
    expect(hits).toBe(7 * requests);
  });
});
