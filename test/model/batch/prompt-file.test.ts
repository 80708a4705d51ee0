/** Batches of prompts whose making is in doubt, over the wire. */
import { describe, expect, it } from "vitest";
import { openDramatis } from "../../../src/app.ts";
import { loadCatalog } from "../../../src/catalog/catalog.ts";
import type { BatchPrompt } from "../../../src/model/batch/prompt-batch.ts";
import { createOfflineServer, type OfflineServerOptions } from "../../../src/offline/server.ts";

const catalog = loadCatalog();

/** What a call is, as `POST /batches`. */
const named = (input: Parameters<typeof fetch>[0], init: RequestInit | undefined) =>
  `${init?.method?.toUpperCase()} ${new URL(String(input)).pathname.replace("/v1", "")}`;

/** The network carries a batch to the server, and loses the answer to it. */
async function openLossy(server: Partial<OfflineServerOptions> = {}, isHidden = (_look: number) => false) {
  const offline = createOfflineServer({ models: [...catalog.models.values()], ...server });
  const calls: string[] = [];
  let looks = 0;
  const dramatis = await openDramatis({
    ...{ apiKey: "sk-batch", baseUrl: "http://offline.invalid/v1", catalog, env: {}, maxCostUsd: 1 },
    async fetch(input, init) {
      const call = named(input, init);
      calls.push(call);
      const answer = await offline.fetch(input, init);
      if (call === "POST /batches")
        throw new TypeError("fetch failed", { cause: new Error("socket hang up") });
      if (call !== "GET /batches") return answer;
      looks += 1;
      return isHidden(looks) ? Response.json({ object: "list", data: [], has_more: false }) : answer;
    },
  });
  return { offline, dramatis, calls };
}

const prompt: BatchPrompt<string> = {
  persona: "ana",
  model: "gpt-4.1-mini",
  messages: [{ role: "user", content: "What would Ana ask first?" }],
  maxOutputTokens: 200,
};

describe("a batch whose answer is lost", () => {
  it("is found by its name, and its answers are read; it is made once, and told of", async () => {
    const { offline, dramatis, calls } = await openLossy();
    const problems: unknown[] = [];
    const { answers, totals } = await dramatis.batch([prompt], {
      ...{ pollMs: 1, metadata: { team: "north" } },
      onProblem: (error) => problems.push(error),
    });
    expect(answers[0]).toMatchObject({ value: expect.stringMatching(/./), problem: undefined });
    expect(totals.costNanoUsd).toBe(offline.bill.costNanoUsd);
    expect(dramatis.budget?.spentNanoUsd).toBe(offline.bill.costNanoUsd);
    expect(calls.filter((call) => call === "POST /batches")).toHaveLength(1);
    expect(problems).toMatchObject([{ code: "unreachable", mayBeBilled: true }]);
    const sent = offline.requests.find(({ method, path }) => method === "POST" && path === "/v1/batches");
    expect(sent?.body).toMatchObject({
      metadata: { team: "north", kind: "prompts", batch: expect.stringMatching(/^[\da-f-]{36}$/) },
    });
  });

  it("is looked for again where it is not there at once", async () => {
    const { offline, dramatis } = await openLossy({}, (look) => look < 4);
    const { answers } = await dramatis.batch([prompt], { pollMs: 1 });
    expect(answers[0]?.usage?.costNanoUsd).toBe(offline.bill.costNanoUsd);
  });

  it("is lost where it is not found, and may be billed", async () => {
    const { dramatis, calls } = await openLossy({}, () => true);
    await expect(dramatis.batch([prompt], { pollMs: 1 })).rejects.toMatchObject({
      ...{ code: "unreachable", mayBeBilled: true },
    });
    expect(dramatis.budget?.spentNanoUsd).toBeGreaterThan(0);
    expect(calls.filter((call) => call === "GET /batches")).toHaveLength(10);
  });

  it("is found and cancelled where nobody wants it any more", async () => {
    const { offline, dramatis, calls } = await openLossy({
      batch: { processingMs: Number.POSITIVE_INFINITY },
    });
    const stop = new AbortController();
    const { answers } = await dramatis.batch([prompt], {
      ...{ pollMs: 1, signal: stop.signal },
      onProblem: () => stop.abort(),
    });
    expect(answers[0]).toMatchObject({ usage: undefined, problem: { code: "aborted" } });
    expect(calls.some((call) => call.endsWith("/cancel"))).toBe(true);
    expect(offline.bill.requests).toBe(0);
  });
});

it.each([400, 403, 409, 429, 500, 503])(
  "deletes the file of a batch that is refused with %i, and looks for none",
  async (status) => {
    const offline = createOfflineServer({ models: [...catalog.models.values()] });
    const calls: string[] = [];
    const dramatis = await openDramatis({
      ...{ apiKey: "sk-batch", baseUrl: "http://offline.invalid/v1", catalog, env: {} },
      async fetch(input, init) {
        const call = named(input, init);
        calls.push(call.replace(/file-[\w-]+/, "<file>"));
        if (call !== "POST /batches") return await offline.fetch(input, init);
        return Response.json({ error: { message: "Not so.", type: "any" } }, { status });
      },
    });
    await expect(dramatis.batch([prompt], { pollMs: 1 })).rejects.toMatchObject({ status });
    // The client also tries out what its fetch can do, at an address of no server.
    expect(calls.filter((call) => call.includes("/"))).toEqual([
      "POST /files",
      "POST /batches",
      "DELETE /files/<file>",
    ]);
  },
);
