/** Who keeps figures of a gateway is told what was sent and paid now, and nothing that was before. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { type DramatisOptions, openDramatis } from "../../src/app.ts";
import type { ObservedAttempt, ObservedUsage } from "../../src/model/observer.ts";
import { findScenario } from "../../src/scenario/find-scenario.ts";

const folder = mkdtempSync(join(tmpdir(), "dramatis-observer-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function observed(options: DramatisOptions) {
  const attempts: ObservedAttempt[] = [];
  const usage: ObservedUsage[] = [];
  const observer = {
    onAttempt: (attempt: ObservedAttempt) => attempts.push(attempt),
    onUsage: (one: ObservedUsage) => usage.push(one),
  };
  const dramatis = await openDramatis({ ...options, observer });
  const run = { input: { seed: 7 }, context: { maxTurns: 3 }, conversationId: "c" };
  const record = await dramatis.run(findScenario("product-roundtable"), run);
  return { attempts, usage, record };
}

it("is told of every attempt and of what it cost, and of nothing when answers come from a recording", async () => {
  const file = join(folder, "run.jsonl");
  const { attempts, usage, record } = await observed({ offline: true, record: file });
  expect(record.turns).toHaveLength(3);
  expect(usage.flatMap(({ entries }) => entries)).toEqual(record.usage.entries);
  expect(new Set(usage.map(({ conversation }) => conversation))).toEqual(new Set(["c"]));
  expect(attempts).toHaveLength(record.usage.entries.length);
  for (const { ms, waitedMs, problem } of attempts) {
    expect(ms).toBeGreaterThanOrEqual(0);
    expect(waitedMs).toBeGreaterThanOrEqual(0);
    expect(problem).toBeUndefined();
  }
  const again = await observed({ replay: file });
  expect(again.record.usage).toEqual(record.usage);
  expect([again.attempts, again.usage]).toEqual([[], []]);
});
