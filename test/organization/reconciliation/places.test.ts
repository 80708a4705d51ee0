/** The minutes in which both sides differ. */
import { describe, expect, it } from "vitest";
import { placesOf } from "../../../src/organization/reconciliation/places.ts";
import type { MinuteRow } from "../../../src/organization/reconciliation/provider-side.ts";
import type { ReconciledRow } from "../../../src/organization/reconciliation/reconciled.ts";
import type { LedgerRow } from "../../../src/organization/reconciliation/rows.ts";

const DAY = Date.UTC(2026, 10, 20);
const MINUTE = 60_000;
const tokens = (inputTokens: number, requests = 1) => ({
  requests,
  inputTokens,
  cachedInputTokens: 0,
  outputTokens: 1,
});
const ROW: ReconciledRow = {
  day: DAY,
  model: "gpt",
  tier: "standard",
  ledger: { ...tokens(0), costNanoUsd: 0 },
  provider: { ...tokens(0), costNanoUsd: 0 },
  difference: { ...tokens(0), costNanoUsd: 0 },
  verdict: "differs",
  lost: undefined,
  moved: tokens(0, 0),
};

const told = (minute: number, input: number, more: Partial<MinuteRow> = {}): MinuteRow => ({
  day: DAY + minute * MINUTE,
  model: "gpt",
  tier: "standard",
  ...tokens(input),
  hasOtherTokens: false,
  apiKey: "key_a",
  project: undefined,
  ...more,
});
const entry = (minute: number, input: number, more: Partial<LedgerRow> = {}): LedgerRow => ({
  earliest: DAY + minute * MINUTE,
  latest: DAY + minute * MINUTE,
  model: "gpt",
  tier: "standard",
  run: "run",
  ...tokens(input),
  costNanoUsd: 0,
  unpriced: 0,
  ...more,
});
const places = (provider: MinuteRow[], ledger: LedgerRow[], row = ROW) =>
  placesOf(row, { provider, ledger }, (_model, _tier, { inputTokens }) => inputTokens * 10);

describe("places of a difference", () => {
  it("are the minutes with more on one side, with whose it is and what it costs", () => {
    const found = places([told(1, 5), told(9, 7, { project: "proj_a" })], [entry(1, 5), entry(30, 2)]);
    expect(found).toEqual([
      {
        at: DAY + 9 * MINUTE,
        difference: { ...tokens(7), costNanoUsd: 70 },
        apiKeys: ["key_a"],
        projects: ["proj_a"],
        runs: [],
      },
      {
        at: DAY + 30 * MINUTE,
        difference: {
          requests: -1,
          inputTokens: -2,
          cachedInputTokens: 0,
          outputTokens: -1,
          costNanoUsd: -20,
        },
        apiKeys: [],
        projects: [],
        runs: ["run"],
      },
    ]);
  });

  it("name only the other key in a minute in which one has just what the ledger has", () => {
    const [place, ...others] = places([told(1, 5), told(1, 6, { apiKey: "key_b" })], [entry(1, 5)]);
    expect(others).toEqual([]);
    expect(place).toMatchObject({ difference: tokens(6), apiKeys: ["key_b"] });
  });

  it("are none where an answer is counted up to two minutes apart, and are where it is three", () => {
    expect(places([told(3, 5)], [entry(1, 5)])).toEqual([]);
    expect(places([told(1, 5)], [entry(3, 5)])).toEqual([]);
    expect(places([told(4, 5)], [entry(1, 5)])).toHaveLength(2);
  });

  it("are of the model and tier alone", () => {
    expect(places([told(1, 5, { model: "o3" }), told(1, 5, { tier: "flex" })], [])).toEqual([]);
    expect(places([told(1, 5, { tier: "flex" })], [], { ...ROW, tier: undefined })).toHaveLength(1);
  });

  it("cannot be told where the ledger does not know its minutes", () => {
    expect(places([told(1, 5)], [entry(1, 3, { latest: DAY + 2 * MINUTE })])).toEqual([]);
  });
});
