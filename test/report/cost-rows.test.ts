/** Rows of the cost tables add up to the total. */
import { describe, expect, it } from "vitest";
import { totalsOf } from "../../src/ledger/totals.ts";
import { costRows } from "../../src/report/cost-rows.ts";
import { transcriptMarkdown } from "../../src/report/transcript.ts";
import { sampleRecord } from "./sample-record.ts";

describe("costRows", () => {
  it("lists personas in the order of the cast, then what was asked for no persona", () => {
    expect(costRows(sampleRecord()).byPersona.map(({ name }) => name)).toEqual([
      "Maya Okafor",
      "Tomáš Berg",
      "林薇 (Lin Wei)",
      "moderator and others",
    ]);
  });

  it("sums to the total by persona and by model", () => {
    const { byPersona, byModel, total } = costRows(sampleRecord());
    for (const rows of [byPersona, byModel]) {
      expect(rows.reduce((sum, { usage }) => sum + (usage.costNanoUsd ?? 0), 0)).toBe(
        total.usage.costNanoUsd,
      );
      expect(rows.reduce((sum, { usage }) => sum + usage.requests, 0)).toBe(total.usage.requests);
      expect(rows.reduce((sum, { share }) => sum + (share ?? 0), 0)).toBeCloseTo(1);
    }
  });

  it("lists models by falling cost", () => {
    expect(costRows(sampleRecord()).byModel.map(({ id }) => id)).toEqual(["gpt-4.1", "gpt-4.1-nano"]);
  });

  it("lists tiers, which add up to the total as well, where there are others than standard", () => {
    const record = sampleRecord();
    expect(costRows(record).byTier).toEqual([]);
    const [first, ...rest] = record.usage.entries;
    const entries = [...(first === undefined ? [] : [{ ...first, tier: "flex" as const }]), ...rest];
    const mixed = { ...record, usage: { entries, totals: totalsOf(entries) } };
    const { byTier, total } = costRows(mixed);
    expect(byTier.map(({ id }) => id).sort()).toEqual(["flex", "standard"]);
    expect(byTier.reduce((sum, { usage }) => sum + (usage.costNanoUsd ?? 0), 0)).toBe(
      total.usage.costNanoUsd,
    );
    expect(byTier.reduce((sum, { usage }) => sum + usage.requests, 0)).toBe(total.usage.requests);
    expect(transcriptMarkdown(mixed)).toMatch(/^\| Tier /m);
    expect(transcriptMarkdown(record)).not.toMatch(/^\| Tier /m);
  });

  it("gives no share of a total that has an unknown part", () => {
    const record = sampleRecord();
    const entries = [
      ...record.usage.entries,
      { model: "local", tier: "standard" as const, inputTokens: 10, outputTokens: 1 },
    ];
    const rows = costRows({ ...record, usage: { entries, totals: totalsOf(entries) } });
    expect(rows.byPersona.map(({ share }) => share)).toEqual([undefined, undefined, undefined, undefined]);
    expect(rows.byPersona.at(-1)?.usage).toMatchObject({
      requests: 2,
      costNanoUsd: 85_600,
      unpricedRequests: 1,
    });
  });
});
