/** A recorded conversation runs again without a server, byte for byte; where it would differ it fails and shows where. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type DramatisOptions, openDramatis, type RunScenarioOptions } from "../src/app.ts";
import { loadCatalog } from "../src/catalog/catalog.ts";
import { type ConversationRecord, conversationRecordSchema } from "../src/domain/record.ts";
import { createMemoryCache } from "../src/model/memory-cache.ts";
import { generateReply } from "../src/offline/generator/generator.ts";
import type { ScriptStep } from "../src/offline/script.ts";
import { createOfflineServer, type OfflineServerOptions } from "../src/offline/server.ts";
import { messageLines } from "../src/report/message-lines.ts";
import { transcriptMarkdown } from "../src/report/transcript.ts";
import { findScenario } from "../src/scenario/find-scenario.ts";
import { resolveScenario, type Scenario } from "../src/scenario/scenario.ts";
import { PASSAGES, SCENARIO } from "./conversation/stage.ts";
import { temporaryFolders } from "./vault/temporary-vault.ts";

const KEY = "sk-proj-MARKED0123456789";
const newFolder = temporaryFolders();
const SHIPPED = findScenario("product-roundtable");
const TWELVE = { input: { seed: 7 }, context: { maxTurns: 12 } };
const small = (changes: Partial<typeof SCENARIO> = {}): Scenario =>
  resolveScenario({ ...SCENARIO, ...changes }, { personas: [], passages: PASSAGES });

/** Any use of the network, a fetch of its own included, is a mistake of the replay. */
const noNetwork: typeof fetch = async () => {
  throw new Error("a replay must not touch the network");
};

function server(options: Partial<OfflineServerOptions> = {}) {
  const models = [...loadCatalog().models.values()];
  return createOfflineServer({ models, generator: generateReply, ...options });
}

async function record(scenario: Scenario, run: RunScenarioOptions, options: DramatisOptions = {}) {
  const file = join(newFolder(), "run.jsonl");
  const dramatis = await openDramatis({ env: {}, record: file, ...options });
  const made = await dramatis.run(scenario, run);
  expect(dramatis.recording?.problem).toBeUndefined();
  return { file, made };
}

async function replay(
  file: string,
  scenario: Scenario,
  run: RunScenarioOptions = {},
  options: DramatisOptions = {},
) {
  const dramatis = await openDramatis({ env: {}, replay: file, fetch: noNetwork, ...options });
  return { dramatis, again: await dramatis.run(scenario, run) };
}

afterEach(() => {
  vi.useRealTimers();
});

/** What work gives, with all waiting done at once. */
async function inFakeTime<T>(work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  done.catch(() => undefined);
  while (!isDone) await vi.advanceTimersByTimeAsync(100);
  return await done;
}

/** All but ids and times, and whether it is a replay. */
function lasting({ transport: _, replayOf: __, ...record }: ConversationRecord) {
  return JSON.stringify(record)
    .replaceAll(record.conversationId, "ID")
    .replace(/"(startedAt|endedAt)":"[^"]*"/g, '"$1":""')
    .replace(/"durationMs":\d+/g, '"durationMs":0');
}

/** The files a run leaves, without the ids and times in them. */
const files = (record: ConversationRecord) =>
  [transcriptMarkdown(record), messageLines(record)].map((text) =>
    text
      .replaceAll(record.conversationId, "ID")
      .replaceAll(/ · started \S+( · took [\d.a-z ]+)?/g, "")
      .replaceAll(/"startedAt":"[^"]*","durationMs":\d+/g, ""),
  );

function expectSame(again: ConversationRecord, made: ConversationRecord) {
  expect(files(again)).toEqual(files(made));
  expect(lasting(again)).toBe(lasting(made));
  expect(conversationRecordSchema.parse(again).transport).toBe("replay");
}

/** A recording with one of its exchanges changed. */
function changed(file: string, change: (line: Record<string, unknown>, index: number) => object | undefined) {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  const kept = lines.flatMap((line, index) => change(JSON.parse(line), index) ?? []);
  const other = join(newFolder(), "changed.jsonl");
  writeFileSync(other, kept.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return other;
}

describe("a replay", () => {
  it("of the shipped round table is the same to the byte, without a flag, a key or a network", async () => {
    const { file, made } = await record(SHIPPED, TWELVE);
    expect(made.turns).toHaveLength(12);
    const { again, dramatis } = await replay(file, SHIPPED);
    expectSame(again, made);
    expect(again.usage.totals.costNanoUsd).toBeGreaterThan(0);
    expect([dramatis.transport, dramatis.host, dramatis.offline, dramatis.replaying?.unused]).toEqual([
      "replay",
      undefined,
      undefined,
      0,
    ]);
  });

  it("of a run with failing requests fails and recovers at the same places", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    const { fetch, bill } = server({ faults: { seed: 4, share: 0.5 } });
    const network = {
      apiKey: KEY,
      baseUrl: "http://offline.invalid/v1",
      fetch,
      timeoutMs: 5000,
      maxRetries: 1,
    };
    const scenario = small({ endings: [{ maxTurns: 12 }], onFailure: "skip" });
    const { file, made } = await inFakeTime(record(scenario, {}, network));
    const problems = new Set(made.attempts.map(({ problem }) => problem));
    expect(problems.size).toBeGreaterThan(2);
    expect(made.attempts.some(({ mayBeBilled }) => mayBeBilled)).toBe(true);
    expect(made.failures.length).toBeGreaterThan(0);
    const before = structuredClone(bill);
    expectSame((await replay(file, scenario)).again, made);
    expect(bill).toEqual(before);
    expect(readFileSync(file, "utf8")).not.toContain("MARKED");
  });

  const steps: [string, ScriptStep][] = [
    ["refused", { kind: "refusal", refusal: "I will not." }],
    ["cut off, then repaired", { kind: "length" }],
    ["broken, then repaired", { kind: "bad-json" }],
    ["unauthorised", { kind: "status", status: 401, body: { error: { message: `Bad key ${KEY}` } } }],
  ];
  it.each(steps)("of a run that was %s is the same", async (_, step) => {
    const { fetch, script } = server();
    script.next(step);
    const network = { apiKey: KEY, baseUrl: "http://offline.invalid/v1", fetch };
    const { file, made } = await record(small(), {}, network);
    expect(made.failures).toHaveLength(1);
    expectSame((await replay(file, small())).again, made);
    expect(readFileSync(file, "utf8")).not.toContain("MARKED");
  });

  it("has the seed that the embedder's own function drew", async () => {
    const unseeded: Scenario = { ...small(), seed: undefined };
    const { file, made } = await record(unseeded, { drawSeed: () => 4711 });
    const { again } = await replay(file, unseeded);
    expect([made.seed, again.seed]).toEqual([4711, 4711]);
  });

  it("of a run whose moderator is a model, and whose answers came from the cache", async () => {
    const scenario = small({ moderator: { policy: "model" } });
    const cache = createMemoryCache();
    await record(scenario, {}, { cache });
    const { file, made } = await record(scenario, {}, { cache });
    expect(made.usage.totals.cacheHits).toBeGreaterThan(2);
    expect(made.usage.totals.costNanoUsd).toBe(0);
    expectSame((await replay(file, scenario)).again, made);
  });

  it("stops at the budget where the recorded run did", async () => {
    const run = { context: { budget: { maxCostUsd: 0.0006 } } };
    const { file, made } = await record(small(), run);
    expect(made.status).toBe("budget");
    expectSame((await replay(file, small())).again, made);
  });

  it("ends by time where the recorded run did", async () => {
    let now = 1_000_000;
    const scenario = small({ endings: [{ maxDurationSeconds: 50 }, { maxTurns: 20 }] });
    const { file, made } = await record(scenario, {}, { clock: () => (now += 1000) });
    expect(made.ending.kind).toBe("maxDurationSeconds");
    const { again } = await replay(file, scenario);
    expect(again.turns).toHaveLength(made.turns.length);
    expect(again.ending.kind).toBe("maxDurationSeconds");
  });

  it("is interrupted before the turn before which the recorded run was", async () => {
    const stop = new AbortController();
    const onEvent: RunScenarioOptions["onEvent"] = (event) => {
      if (event.type === "choice" && event.choice.turn === 2) stop.abort();
    };
    const { file, made } = await record(small(), { onEvent, stopSignal: stop.signal });
    expect(made).toMatchObject({ status: "interrupted", turns: [{ turn: 1 }, { turn: 2 }] });
    expectSame((await replay(file, small())).again, made);
  });

  it("is broken off in the request in which the recorded run was", async () => {
    const stop = new AbortController();
    let requests = 0;
    const { fetch } = server();
    const network = {
      apiKey: KEY,
      baseUrl: "http://offline.invalid/v1",
      fetch: (async (...args) => {
        if (++requests === 4) stop.abort();
        return await fetch(...args);
      }) as typeof globalThis.fetch,
    };
    const { file, made } = await record(small(), { signal: stop.signal }, network);
    expect(made).toMatchObject({ status: "interrupted", attempts: [{ problem: "aborted" }] });
    expectSame((await replay(file, small())).again, made);
  });

  it("answers several runs of one file in any order", async () => {
    const file = join(newFolder(), "run.jsonl");
    const dramatis = await openDramatis({ env: {}, record: file });
    const runs = [7, 8, 9].map((seed) => ({ input: { seed } }));
    const made = await Promise.all(runs.map((run) => dramatis.run(small(), run)));
    const replaying = await openDramatis({ env: {}, replay: file, fetch: noNetwork });
    const again = await Promise.all(runs.map(() => replaying.run(small())));
    for (const [index, one] of made.entries()) expectSame(again[index] as ConversationRecord, one);
  });

  it("tells a watcher of its graph all turns", async () => {
    const { file, made } = await record(small(), {});
    const dramatis = await openDramatis({ env: {}, replay: file, fetch: noNetwork });
    const { turns } = await dramatis.conversation(small()).invoke({ seed: 7 });
    expect(turns.map(({ message }) => message)).toEqual(made.turns.map(({ message }) => message));
  });
});

describe("a request that differs from the recorded one", () => {
  it("fails the conversation and shows the first difference, without secrets", async () => {
    const { file } = await record(small(), {});
    const { again } = await replay(
      file,
      small({ topic: "Which part of the export sk-MARKED0123 comes first?" }),
    );
    expect(again.status).toBe("failed");
    expect(again.turns).toEqual([]);
    expect(again.ending.evidence).toMatch(
      /turn 1, request for a turn of ada: it differs from the recorded one at messages\[\d\]\.content, character \d+\nrecorded: ".*export pipeline.*"\nnow: ".*export \[key removed\]/,
    );
    expect(JSON.stringify([again.ending, again.failures])).not.toContain("MARKED");
    expect(again.failures).toMatchObject([{ kind: "replay-differs", outcome: "stopped" }]);
  });

  it("fails it although only the moderator's question differs", async () => {
    const moderator = { policy: "model", instructions: "Choose whoever is silent." } as const;
    const { file } = await record(small({ moderator }), {});
    const other = { ...moderator, instructions: "Choose whoever is loud." };
    const { again } = await replay(file, small({ moderator: other }));
    expect(again.status).toBe("failed");
    expect(again.ending.evidence).toMatch(/request for a moderator: .*silent.*loud/s);
  });

  it("fails it when the recording has no more", async () => {
    const { file } = await record(small(), {});
    const shorter = changed(file, (line) => (line.turn === 3 || line.kind === "end" ? undefined : line));
    const { again } = await replay(shorter, small());
    expect(again).toMatchObject({ status: "failed", turns: [{ turn: 1 }, { turn: 2 }] });
    expect(again.ending.evidence).toMatch(/turn 3.*no more exchanges.*it holds none.*cut off before/);
  });

  it("leaves what is not asked for, and says how much", async () => {
    const { file } = await record(small(), {});
    const lines = readFileSync(file, "utf8");
    const last = lines.split("\n").find((line) => line.includes('"turn":3')) ?? "";
    const longer = join(newFolder(), "longer.jsonl");
    writeFileSync(longer, `${lines}${last.replace('"turn":3', '"turn":4')}\n`);
    const { again, dramatis } = await replay(longer, small());
    expect(again).toMatchObject({ status: "completed", turns: [{}, {}, {}] });
    expect(dramatis.replaying?.unused).toBe(1);
  });
});

describe("what is asked for", () => {
  it.each([
    [{ input: { seed: 8 } }, /the seed is 8, but .* was recorded with 7/],
    [{ context: { maxTurns: 9 } }, /the limit of turns is 9, but .* recorded with none/],
    [{ context: { models: { "*": "gpt-4.1" } } }, /the models is/],
    [{ input: { topic: "Another" } }, /the topic is "Another"/],
  ])("%j must agree with the recording", async (run, message) => {
    const { file } = await record(small(), {});
    await expect(replay(file, small(), run)).rejects.toThrow(message);
    await expect(replay(file, small(), run)).rejects.toMatchObject({ code: "invalid-argument" });
  });

  it("may be what was recorded, or another scenario by mistake", async () => {
    const { file, made } = await record(small(), TWELVE);
    expectSame((await replay(file, small(), TWELVE)).again, made);
    await expect(replay(file, SHIPPED)).rejects.toThrow(/scenario is "product-roundtable", but/);
  });

  it("is no recording of a replay", async () => {
    await expect(openDramatis({ env: {}, replay: "a", record: "b" })).rejects.toThrow(/cannot be recorded/);
  });
});
