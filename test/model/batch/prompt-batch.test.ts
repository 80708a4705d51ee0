/** Single prompts by batch, over the wire. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type DramatisOptions, openDramatis } from "../../../src/app.ts";
import { loadCatalog } from "../../../src/catalog/catalog.ts";
import type { BatchProgress, BatchPrompt } from "../../../src/model/batch/prompt-batch.ts";
import { createOfflineServer, type OfflineServerOptions } from "../../../src/offline/server.ts";

const catalog = loadCatalog();

async function openStage(server: Partial<OfflineServerOptions> = {}, options: DramatisOptions = {}) {
  const offline = createOfflineServer({ models: [...catalog.models.values()], ...server });
  const dramatis = await openDramatis({
    apiKey: "sk-batch",
    baseUrl: "http://offline.invalid/v1",
    fetch: offline.fetch,
    catalog,
    env: {},
    ...options,
  });
  return { offline, dramatis };
}

const prompt = (persona: string, model = "gpt-4.1-mini"): BatchPrompt<string> => ({
  persona,
  model,
  messages: [{ role: "user", content: `What would ${persona} ask first?` }],
  maxOutputTokens: 200,
});

describe("prompts by batch", () => {
  it("come back in their order and by persona, at half the price, to the nano-dollar of the bill", async () => {
    const { offline, dramatis } = await openStage();
    const told: BatchProgress[] = [];
    const prompts = [prompt("ana"), prompt("ben", "gpt-5-mini"), prompt("ana", "gpt-4.1")];
    const { answers, byPersona, totals } = await dramatis.batch(prompts, {
      pollMs: 1,
      onProgress: (progress) => told.push(progress),
    });
    expect(answers.map(({ id, persona, problem }) => [id, persona, problem])).toEqual([
      ["0", "ana", undefined],
      ["1", "ben", undefined],
      ["2", "ana", undefined],
    ]);
    expect(answers.every(({ value, text }) => value === text && text !== "")).toBe(true);
    expect(byPersona.ana).toEqual([answers[0], answers[2]]);
    expect(totals.costNanoUsd).toBe(offline.bill.costNanoUsd);
    expect([...offline.charges.values()].map(({ tier }) => tier)).toEqual(["batch", "batch", "batch"]);
    expect(told.at(-1)).toMatchObject({ requests: 3, done: 3 });
    expect(
      told
        .at(-1)
        ?.batches.map(({ model, status }) => [model, status])
        .sort(),
    ).toEqual([
      ["gpt-4.1", "completed"],
      ["gpt-4.1-mini", "completed"],
      ["gpt-5-mini", "completed"],
    ]);
  });

  it("are of the shape that is asked for, or say that they are not", async () => {
    const { offline, dramatis } = await openStage();
    const schema = z.strictObject({ question: z.string(), weight: z.int() });
    const shaped = { ...prompt("ana"), schema };
    const { answers } = await dramatis.batch([shaped], { pollMs: 1 });
    expect(schema.safeParse(answers[0]?.value).success).toBe(true);
    offline.script.next({ kind: "content", content: "no JSON at all" });
    const { answers: broken } = await dramatis.batch([shaped], { pollMs: 1 });
    expect(broken[0]).toMatchObject({ value: undefined, problem: { code: "bad-shape" } });
    expect(broken[0]?.usage?.costNanoUsd).toBeGreaterThan(0);
  });

  it("fail one by one: what the provider refuses of one prompt is in its answer, and costs nothing", async () => {
    const { offline, dramatis } = await openStage();
    const lone = {
      ...prompt("ben"),
      messages: [{ role: "tool" as const, content: "x", tool_call_id: "none" }],
    };
    const { answers, totals } = await dramatis.batch([prompt("ana"), lone], { pollMs: 1 });
    expect(answers[0]?.problem).toBeUndefined();
    expect(answers[1]).toMatchObject({
      value: undefined,
      usage: undefined,
      problem: { code: "bad-request" },
    });
    expect(totals.requests).toBe(1);
    expect(totals.costNanoUsd).toBe(offline.bill.costNanoUsd);
  });

  it("are refused before anything is sent where they cannot be", async () => {
    const { offline, dramatis } = await openStage();
    await expect(dramatis.batch([prompt("ana", "gpt-9")])).rejects.toMatchObject({ code: "unknown-name" });
    const twice = { ...prompt("ana"), id: "same" };
    await expect(dramatis.batch([twice, twice])).rejects.toThrow(/"same" twice/);
    const capped = await openStage({}, { maxCostUsd: 0.000_001 });
    await expect(capped.dramatis.batch([prompt("ana")])).rejects.toMatchObject({ code: "budget" });
    expect(offline.requests.length + capped.offline.requests.length).toBe(0);
  });

  it("count against the shared cap what they cost, and no more", async () => {
    const { offline, dramatis } = await openStage({}, { maxCostUsd: 1 });
    await dramatis.batch([prompt("ana"), prompt("ben")], { pollMs: 1 });
    expect(dramatis.budget?.spentNanoUsd).toBe(offline.bill.costNanoUsd);
    expect(dramatis.budget?.heldNanoUsd).toBe(0);
  });

  it("come although batches cannot be asked after, files not read and not deleted for a while, which is told", async () => {
    const offline = createOfflineServer({ models: [...catalog.models.values()] });
    const broken = new Set<string>();
    const { dramatis } = await openStage(
      {},
      {
        fetch: async (input, init) => {
          const what = `${init?.method?.toUpperCase()} ${String(input).replace(/(file|batch)[-_][\w-]+/, "$1")}`;
          const isLate = /^GET .*(batch|content)$|^DELETE/.test(what) && !broken.has(what);
          if (!isLate) return await offline.fetch(input, init);
          broken.add(what);
          return Response.json(
            { error: { message: "Away.", type: "server_error" } },
            { status: 503, headers: { "x-should-retry": "false" } },
          );
        },
      },
    );
    const problems: unknown[] = [];
    const onProblem = (error: unknown) => problems.push(error);
    const { answers } = await dramatis.batch([prompt("ana")], { pollMs: 1, onProblem });
    expect(answers[0]?.problem).toBeUndefined();
    expect([...broken]).toHaveLength(3);
    expect(problems).toMatchObject(Array(3).fill({ code: "server-error" }));
  });

  it("are not waited for where the provider refuses to tell of them", async () => {
    const { offline, dramatis } = await openStage({ batch: { processingMs: Number.POSITIVE_INFINITY } });
    const problems: unknown[] = [];
    const waiting = dramatis.batch([prompt("ana")], {
      pollMs: 1,
      onProblem: (error) => problems.push(error),
      onProgress: () => offline.reset(),
    });
    await expect(waiting).rejects.toMatchObject({ status: 404 });
    expect(problems).toEqual([]);
  });

  it("are cancelled at the provider where their signal says so", async () => {
    const { offline, dramatis } = await openStage({ batch: { processingMs: Number.POSITIVE_INFINITY } });
    const stop = new AbortController();
    const sent = dramatis.batch([prompt("ana")], {
      pollMs: 1,
      signal: stop.signal,
      onProgress: ({ batches }) => batches.length > 0 && stop.abort(),
    });
    const { answers } = await sent;
    expect(answers[0]).toMatchObject({ value: undefined, problem: { code: "aborted" } });
    expect(offline.bill.requests).toBe(0);
  });
});
