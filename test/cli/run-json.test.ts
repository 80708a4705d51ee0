/** One shape for turns and failures, and no cost that is merely missing. */
import { describe, expect, it } from "vitest";
import { runJson } from "../../src/cli/run-json.ts";
import { totalsOf } from "../../src/ledger/totals.ts";
import { sampleFailure, sampleRecord, sampleTurn, usage } from "../report/sample-record.ts";

describe("runJson", () => {
  it("names the model of turns and of failures in the same way", () => {
    const { turns, failures } = runJson(sampleRecord(), undefined, []);
    const named = { model: "gpt-4.1", modelReason: "the persona requires reasoning" };
    expect(turns[1]).toMatchObject(named);
    expect(failures[1]).toMatchObject(named);
  });

  it("holds the notices of screening, and an empty list when there are none", () => {
    const notice = { place: "topic", kind: "GitHub token", action: "sent" as const };
    expect(runJson(sampleRecord({ notices: [notice] }), undefined, []).notices).toEqual([notice]);
    expect(runJson(sampleRecord(), undefined, []).notices).toEqual([]);
  });

  it("says null of every cost that is unknown, and keeps those that are known", () => {
    const entries = [
      { model: "local", tier: "standard" as const, persona: "lin-wei", purpose: "turn" as const },
      { model: "gpt-4.1", tier: "standard" as const, persona: "maya-okafor", costNanoUsd: 2_000_000 },
    ];
    const unknown = usage({ costNanoUsd: undefined, unpricedRequests: 1 });
    const record = sampleRecord({
      turns: [sampleTurn({ usage: unknown })],
      failures: [sampleFailure({ usage: unknown })],
      usage: { entries, totals: totalsOf(entries) },
    });
    const json = JSON.parse(JSON.stringify(runJson(record, undefined, [])));
    expect(json).toMatchObject({
      turns: [{ usage: { costNanoUsd: null } }],
      failures: [{ usage: { costNanoUsd: null } }],
      usage: {
        costNanoUsd: 2_000_000,
        byPersona: { "lin-wei": { costNanoUsd: null }, "maya-okafor": { costNanoUsd: 2_000_000 } },
        byModel: { local: { costNanoUsd: null } },
        byPurpose: { turn: { costNanoUsd: null } },
      },
    });
  });
});
