/** Single prompts by batch, over the wire. */
import { describe, expect, it, vi } from "vitest";
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

/** A server that refuses the first of some calls, named as `POST /batches`, in words of its own. */
function refusing(call: string, status: number) {
  const offline = createOfflineServer({ models: [...catalog.models.values()] });
  let isRefused = false;
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const what = `${init?.method?.toUpperCase()} ${new URL(String(input)).pathname.replace("/v1", "")}`;
    if (what !== call || isRefused) return await offline.fetch(input, init);
    isRefused = true;
    const error = { message: "Not for this project.", type: "invalid_request_error" };
    return Response.json({ error }, { status, headers: { "x-should-retry": "false" } });
  };
  return { offline, fetch };
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

  it("say so where somebody else cancelled them", async () => {
    const { dramatis } = await openStage({ batch: { processingMs: Number.POSITIVE_INFINITY } });
    let cancelling: Promise<unknown> | undefined;
    const { answers, totals } = await dramatis.batch([prompt("ana")], {
      pollMs: 1,
      onProgress({ batches: [batch] }) {
        if (batch !== undefined) cancelling ??= dramatis.batches?.cancel(batch.id);
      },
    });
    await cancelling;
    expect(answers[0]).toMatchObject({
      usage: undefined,
      problem: {
        code: "batch-cancelled",
        message: expect.stringMatching(/the batch \S+ was cancelled .* To have it made, send it again\.$/),
      },
    });
    expect(totals.requests).toBe(0);
  });

  it("are read to their end where they are over by the time they are cancelled", async () => {
    let now = Date.now();
    const stop = new AbortController();
    const server = { clock: () => now, batch: { processingMs: 1000 } };
    const { offline } = await openStage(server);
    const { dramatis } = await openStage(
      {},
      {
        fetch: async (input, init) => {
          const answer = await offline.fetch(input, init);
          if (answer.status === 409) answer.headers.set("x-should-retry", "false");
          return answer;
        },
      },
    );
    const { answers } = await dramatis.batch([prompt("ana")], {
      pollMs: 1,
      signal: stop.signal,
      onProgress({ batches }) {
        if (batches[0]?.status !== "in_progress" && batches[0]?.status !== "validating") return;
        now += 2000;
        stop.abort();
      },
    });
    expect(offline.requests.some(({ path }) => path.endsWith("/cancel"))).toBe(true);
    expect(answers[0]?.problem).toBeUndefined();
    expect(answers[0]?.usage?.costNanoUsd).toBe(offline.bill.costNanoUsd);
  });

  it("are sent to the models that the provider takes, and fail with its reason for the one it does not", async () => {
    const { offline, fetch } = refusing("POST /batches", 403);
    const { dramatis } = await openStage({}, { fetch, maxCostUsd: 1 });
    const { answers, totals } = await dramatis.batch([prompt("ana"), prompt("ben", "gpt-4.1")], {
      pollMs: 1,
    });
    const refused = answers.filter(({ problem }) => problem !== undefined);
    expect(refused).toMatchObject([
      { value: undefined, usage: undefined, problem: { code: "unauthorised" } },
    ]);
    expect(refused[0]?.problem?.message).toContain("Not for this project.");
    expect(answers.filter(({ value }) => value !== undefined)).toHaveLength(1);
    expect(totals.costNanoUsd).toBe(offline.bill.costNanoUsd);
    expect(dramatis.budget?.spentNanoUsd).toBe(offline.bill.costNanoUsd);
  });

  it.each([
    ["POST /files", 400, false],
    ["POST /files", 502, false],
    ["POST /batches", 400, false],
    // The batch may have been made, and its answer lost.
    ["POST /batches", 502, true],
  ] as const)(
    "cost nothing where nothing was sent: %s refused with %i",
    async (call, status, mayBeBilled) => {
      const { offline, fetch } = refusing(call, status);
      const { dramatis } = await openStage({}, { fetch, maxCostUsd: 1 });
      await expect(dramatis.batch([prompt("ana")], { pollMs: 1 })).rejects.toMatchObject({ status });
      expect(offline.bill.requests).toBe(0);
      expect((dramatis.budget?.spentNanoUsd ?? 0) > 0).toBe(mayBeBilled);
      expect(dramatis.budget?.heldNanoUsd).toBe(0);
    },
  );

  it("are in the totals with the most they can have cost where nobody knows what came of them", async () => {
    const { offline } = await openStage();
    const { dramatis } = await openStage(
      {},
      {
        maxCostUsd: 1,
        fetch: async (input, init) => {
          const answer = await offline.fetch(input, init);
          if (!String(input).endsWith("/content")) return answer;
          return new Response((await answer.text()).split("\n").slice(1).join("\n"));
        },
      },
    );
    const { answers, totals } = await dramatis.batch([prompt("ana"), prompt("ben")], { pollMs: 1 });
    const lost = answers.filter(({ problem }) => problem?.code === "lost");
    expect(lost).toHaveLength(1);
    const { persona, usage } = lost[0] ?? {};
    expect(usage).toEqual({
      ...{ persona, model: "gpt-4.1-mini", tier: "batch" },
      costBoundNanoUsd: expect.any(Number),
    });
    expect(totals).toMatchObject({
      ...{ requests: 2, unpricedRequests: 1, unpricedBoundNanoUsd: usage?.costBoundNanoUsd },
    });
    const atMost = (totals.costNanoUsd ?? 0) + totals.unpricedBoundNanoUsd;
    expect(totals.costNanoUsd).toBeLessThan(offline.bill.costNanoUsd);
    expect(atMost).toBeGreaterThanOrEqual(offline.bill.costNanoUsd);
    expect(dramatis.budget?.spentNanoUsd).toBe(atMost);
  });

  it("are of text: what else is in them has no bound, and is refused before anything is sent", async () => {
    const { offline, dramatis } = await openStage();
    const image = { type: "image_url" as const, image_url: { url: "https://images.invalid/plan.png" } };
    const shown = {
      ...prompt("ana"),
      messages: [{ role: "user" as const, content: [{ type: "text" as const, text: "Well?" }, image] }],
    };
    await expect(dramatis.batch([prompt("ben"), shown])).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining(
        'Prompt "1" of a batch, messages[0]: expected text, got a part of type "image_url"',
      ),
    });
    expect(offline.requests).toEqual([]);
  });

  it("come although those who are told of them throw, which is told, or a warning", async () => {
    const { dramatis } = await openStage();
    const problems: unknown[] = [];
    const onProgress = () => {
      throw new Error("No such column.");
    };
    const told = await dramatis.batch([prompt("ana")], {
      ...{ pollMs: 1, onProgress },
      onProblem: (error) => problems.push(error),
    });
    expect(told.answers[0]?.problem).toBeUndefined();
    expect(problems.map(String)).toContain("Error: No such column.");
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const warned = await dramatis.batch([prompt("ana")], {
      ...{ pollMs: 1, onProgress },
      onProblem: undefined,
    });
    const [warning] = warn.mock.calls;
    warn.mockRestore();
    expect(warned.answers[0]?.problem).toBeUndefined();
    expect(warning).toMatchObject([expect.stringContaining("No such column."), { code: "DRAMATIS_BATCH" }]);
  });

  it("are kept where the schema itself throws", async () => {
    const { dramatis } = await openStage();
    const schema = z.strictObject({ question: z.string() }).refine(() => {
      throw new Error("No such list.");
    });
    const { answers } = await dramatis.batch([{ ...prompt("ana"), schema }], { pollMs: 1 });
    expect(answers[0]).toMatchObject({
      problem: { code: "bad-shape", message: expect.stringContaining("No such list.") },
    });
    expect(answers[0]?.text).toContain("question");
    expect(answers[0]?.usage?.costNanoUsd).toBeGreaterThan(0);
  });
});
