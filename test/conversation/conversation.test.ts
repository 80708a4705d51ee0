/** Whole conversations over the wire: determinism, requests, money, endings, memory, interruption. */
import { MemorySaver } from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import type { ConversationRecord } from "../../src/domain/record.ts";
import type { ModeratorSettings } from "../../src/domain/scenario.ts";
import { totalsOf } from "../../src/ledger/totals.ts";
import { answer, bodyOf, openStage, persona } from "./stage.ts";

const turns = (count: number) => ({ endings: [{ maxTurns: count }] });
const silent = (message: string) => ({ kind: "content" as const, content: answer(message) });

describe("a conversation", () => {
  it("is the same twice with the same seed, and another with another", async () => {
    const record = async (seed: number) => {
      const { run } = await openStage({ scenario: { ...turns(9), moderator: { policy: "random" } } });
      return await run({ input: { seed } });
    };
    const [first, second, other] = [await record(7), await record(7), await record(8)];
    expect(second).toEqual(first);
    expect(other.turns.map(({ message }) => message)).not.toEqual(first.turns.map(({ message }) => message));
  });

  it("costs to the nano-dollar what the server bills, whoever counts", async () => {
    const { run, server } = await openStage({ scenario: turns(24) });
    const { usage } = await run();
    expect(usage.totals.costNanoUsd).toBe(server.bill.costNanoUsd);
    expect(usage.totals.requests).toBe(server.bill.requests);
    expect(usage.totals.inputTokens).toBe(server.bill.inputTokens);
    expect(usage.totals.cachedInputTokens).toBe(server.bill.cachedInputTokens);
    expect(usage.totals.outputTokens).toBe(server.bill.outputTokens);
    expect(totalsOf(usage.entries)).toEqual(usage.totals);
    expect(server.faults).toEqual([]);
  });

  it.each<ModeratorSettings>([
    { policy: "round-robin" },
    { policy: "directed", pingPongLimit: 4 },
    { policy: "random" },
    { policy: "weighted" },
  ])("sends one request a turn without tools, and none for the policy $policy", async (moderator) => {
    const { run, server } = await openStage({ scenario: { ...turns(12), moderator }, passages: [] });
    const { turns: taken, usage } = await run();
    expect(taken).toHaveLength(12);
    expect(server.requests).toHaveLength(12);
    expect(usage.totals.byPurpose).toEqual({ turn: expect.objectContaining({ requests: 12 }) });
  });

  it("sends two requests for a turn with one tool call", async () => {
    const { run, server } = await openStage({ scenario: turns(1) });
    const args = JSON.stringify({ query: "cold starts", category: "technical" });
    server.script.next(
      { kind: "tool-calls", calls: [{ name: "search_knowledge_base", arguments: args }] },
      silent("Cold."),
    );
    const { turns: taken } = await run();
    expect(server.requests).toHaveLength(2);
    expect(taken[0]?.toolCalls).toMatchObject([{ status: "ok", passages: ["cold-starts#1"] }]);
  });

  it("tells each persona of its own private notes and of nobody else's", async () => {
    const cast = ["ada", "ben", "cleo"].map((id) => persona(id, { privateNotes: [`secret-of-${id}`] }));
    const { run, server } = await openStage({ scenario: { ...turns(6), cast } });
    const record = await run();
    for (const [index, { body }] of server.requests.entries()) {
      const text = JSON.stringify(body);
      const speaker = /# You are \w+ \((\w+)\)/.exec(text)?.[1];
      const named = [...text.matchAll(/secret-of-(\w+)/g)].map((match) => match[1]);
      expect({ index, named }).toEqual({ index, named: [speaker] });
    }
    expect(JSON.stringify(record)).not.toContain("secret-of-");
  });

  it("names every speaker, and shows all personas the same transcript, so that it stays cached", async () => {
    const { run, server } = await openStage({ scenario: turns(4), passages: [] });
    await run();
    const { messages } = bodyOf(server.requests[3]);
    expect(messages.map(({ role, name }) => [role, name])).toEqual([
      ["system", undefined],
      ["user", "host"],
      ["user", "ada"],
      ["user", "ben"],
      ["user", "cleo"],
      ["system", undefined],
    ]);
  });

  it("chooses models by the rules, says why, and takes overrides", async () => {
    const cast = [
      persona("ada", { requiresReasoning: true }),
      persona("ben", { personality: { ...persona("ben").personality, kind: "creative" } }),
      persona("cleo"),
    ];
    const { run } = await openStage({ scenario: { ...turns(3), cast } });
    const chosen = async (context = {}) => (await run({ context })).turns.map(({ model }) => model);
    expect(await chosen()).toEqual([
      { id: "gpt-4.1", reason: "requiresReasoning is true" },
      { id: "gpt-4.1-mini", reason: "personality is creative" },
      { id: "gpt-4.1-nano", reason: "no other rule applies" },
    ]);
    expect((await chosen({ complexity: "high" })).map(({ id }) => id)).toEqual([
      "gpt-4.1",
      "gpt-4.1",
      "gpt-4.1",
    ]);
    const named = await chosen({ models: { ada: "o3", "*": "gpt-5-mini" } });
    expect(named.map(({ id }) => id)).toEqual(["o3", "gpt-5-mini", "gpt-5-mini"]);
  });

  it("sends no temperature to reasoning models and the scenario's to others", async () => {
    const { run, server } = await openStage({
      scenario: { ...turns(3), answers: { temperature: 0.3 } },
      passages: [],
    });
    await run({ context: { models: { ada: "o3", ben: "gpt-5-mini", "*": "gpt-4.1-nano" } } });
    const sent = server.requests.map((request) => bodyOf(request).temperature);
    expect(sent).toEqual([undefined, undefined, 0.3]);
    expect(server.requests.every(({ status }) => status === 200)).toBe(true);
  });

  it("runs 800 turns", { timeout: 120_000 }, async () => {
    const { run } = await openStage({
      scenario: turns(800),
      passages: [],
      server: { recordRequests: false },
    });
    const { turns: taken, usage } = await run();
    expect(taken).toHaveLength(800);
    // Who has only a summary of what was said long ago may say it again.
    expect(new Set(taken.map(({ message }) => message)).size).toBeGreaterThan(790);
    expect(usage.totals.byPurpose.turn?.requests).toBe(800);
  });
});

describe("the model policy", () => {
  const moderator: ModeratorSettings = { policy: "model", pingPongLimit: 4 };

  it("asks the cheapest model and puts its cost under moderator", async () => {
    const { run, server } = await openStage({ scenario: { ...turns(6), moderator } });
    const { turns: taken, usage } = await run();
    expect(taken.map(({ choice }) => choice.policy)).toEqual(Array(6).fill("model"));
    expect(usage.totals.byPurpose.moderator?.requests).toBe(6);
    expect(usage.entries.filter(({ purpose }) => purpose === "moderator").map(({ model }) => model)).toEqual(
      Array(6).fill("gpt-4.1-nano"),
    );
    expect(usage.totals.costNanoUsd).toBe(server.bill.costNanoUsd);
  });

  it("falls back to directed when its choice is no candidate, and records it", async () => {
    const { run, server } = await openStage({ scenario: { ...turns(2), moderator } });
    const choose = (speaker: string) => ({
      kind: "content" as const,
      content: { speaker, reason: "I like them." },
    });
    server.script.next(choose("ada"), silent("One."), choose("ada"), silent("Two."));
    const { turns: taken } = await run();
    expect(taken.map(({ speaker }) => speaker)).toEqual(["ada", "ben"]);
    expect(taken[1]?.choice).toMatchObject({
      policy: "directed",
      fallbackFrom: { policy: "model", problem: "ada is not a candidate" },
    });
  });

  it("falls back when it is refused an answer, and pays for what was asked", async () => {
    const { run, server } = await openStage({ scenario: { ...turns(1), moderator } });
    server.script.next({ kind: "refusal", refusal: "No." }, silent("One."));
    const { turns: taken, usage } = await run();
    expect(taken[0]?.choice.fallbackFrom?.problem).toMatch(/^refused/);
    expect(usage.totals.byPurpose.moderator?.requests).toBe(1);
    expect(usage.totals.costNanoUsd).toBe(server.bill.costNanoUsd);
  });
});

describe("money", () => {
  it.each([0.001, 0.002, 0.003])("never passes a cap of $%f, and comes near it", async (maxCostUsd) => {
    const { run, server } = await openStage({ scenario: turns(200) });
    const record = await run({ context: { budget: { maxCostUsd }, models: { "*": "gpt-4.1-nano" } } });
    expect(record).toMatchObject({ status: "budget", ending: { kind: "maxCostUsd" } });
    expect(server.bill.costNanoUsd).toBeLessThanOrEqual(maxCostUsd * 1e9);
    expect(record.usage.totals.costNanoUsd).toBe(server.bill.costNanoUsd);
    expect(record.turns.length).toBeGreaterThan(0);
    // A request of this stage costs less than 0.0008 at its worst: no more than that stays unused.
    expect(maxCostUsd * 1e9 - server.bill.costNanoUsd).toBeLessThan(800_000);
  });

  it("counts answers that were lost as spent, so that retries do not pass the cap either", async () => {
    for (const maxCostUsd of [0.0012, 0.002, 0.004]) {
      const { run, server } = await openStage({ scenario: turns(60), gateway: { maxRetries: 2 } });
      server.script.next({ kind: "drop", times: 2 }, silent("One."), {
        kind: "drop",
        times: Number.POSITIVE_INFINITY,
      });
      const { usage, status } = await run({
        context: { budget: { maxCostUsd }, models: { "*": "gpt-4.1-nano" } },
      });
      expect(server.bill.costNanoUsd).toBeLessThanOrEqual(maxCostUsd * 1e9);
      const { costNanoUsd = 0, unpricedBoundNanoUsd, unpricedRequests, requests } = usage.totals;
      expect(requests).toBe(server.bill.requests);
      expect(unpricedRequests).toBeGreaterThan(0);
      expect(costNanoUsd + unpricedBoundNanoUsd).toBeGreaterThanOrEqual(server.bill.costNanoUsd);
      expect(status).toBe("budget");
    }
  }, 60_000);

  it("goes on from where the budget stopped when the cap is raised", async () => {
    const stage = await openStage({
      scenario: { ...turns(8), answers: { maxOutputTokens: 400 } },
      passages: [],
      parts: { checkpointer: new MemorySaver() },
    });
    const thread = { configurable: { thread_id: "budget" } };
    const first = await stage.graph.invoke({}, { ...thread, context: { budget: { maxCostUsd: 0.0006 } } });
    expect(first.status).toBe("budget");
    expect(first.turns.length).toBeGreaterThan(0);
    const second = await stage.graph.invoke({}, { ...thread, context: { budget: { maxCostUsd: 1 } } });
    expect(second.status).toBe("completed");
    expect(second.turns.map(({ turn }) => turn)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(second.totals.costNanoUsd).toBe(stage.server.bill.costNanoUsd);
  });

  it("refuses a model without a price under a budget, before anything is sent", async () => {
    const { loadCatalog } = await import("../../src/catalog/catalog.ts");
    const catalog = loadCatalog();
    const models = new Map(catalog.models).set("house-model", {
      ...catalog.model("gpt-4.1"),
      id: "house-model",
      price: undefined,
    });
    const unpriced = { ...catalog, models, model: (id: string) => models.get(id) ?? catalog.model(id) };
    const { run, server } = await openStage({ gateway: { catalog: unpriced } });
    const context = { models: { "*": "house-model" } };
    const capped = run({ context: { ...context, budget: { maxCostUsd: 1 } } });
    await expect(capped).rejects.toThrow(/house-model has no price in the catalog/);
    expect(server.requests).toHaveLength(0);

    const { usage } = await run({ context });
    expect(usage.totals.costNanoUsd).toBeUndefined();
    expect(usage.totals.unpricedRequests).toBe(usage.totals.requests);
  });
});

describe("state", () => {
  it("keeps totals equal to the sum of entries after a resume and after a fork", async () => {
    const { graph } = await openStage({ scenario: turns(6), parts: { checkpointer: new MemorySaver() } });
    const config = { configurable: { thread_id: "fork" } };
    await graph.invoke({}, { ...config, context: { maxTurns: 4 } });
    const resumed = await graph.invoke({}, config);
    expect(resumed.turns).toHaveLength(6);
    expect(totalsOf(resumed.usage)).toEqual(resumed.totals);

    const history = [];
    for await (const snapshot of graph.getStateHistory(config)) history.push(snapshot);
    const past = history.find(({ values }) => values.turns?.length === 3 && values.turns !== undefined);
    const forked = await graph.invoke(null, past?.config ?? config);
    expect(forked.turns.map(({ turn }) => turn)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(totalsOf(forked.usage)).toEqual(forked.totals);
  });

  it("never mixes the usage of conversations that run at once", async () => {
    const { graph } = await openStage({ scenario: turns(6) });
    const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
    const alone = [];
    for (const seed of seeds)
      alone.push(await (await openStage({ scenario: turns(6) })).graph.invoke({ seed }));
    const together = await Promise.all(seeds.map((seed) => graph.invoke({ seed })));
    const words = (results: typeof together) =>
      results.map((result) => result.turns.map(({ message }) => message));
    expect(words(together)).toEqual(words(alone));
    for (const { turns: taken, usage, totals } of together) {
      expect(totalsOf(usage)).toEqual(totals);
      expect(usage.map(({ turn }) => turn).filter((turn, index, all) => all.indexOf(turn) === index)).toEqual(
        taken.map(({ turn }) => turn),
      );
    }
  });

  it("puts the topic, opening and a remark from outside into the prompt", async () => {
    const { graph, server } = await openStage({
      scenario: turns(2),
      parts: { checkpointer: new MemorySaver() },
    });
    const config = { configurable: { thread_id: "input" } };
    await graph.invoke(
      { topic: "Tea or coffee?", opening: "Which one?" },
      { ...config, context: { maxTurns: 1 } },
    );
    await graph.invoke({ messages: [{ role: "user", content: "Decaf, please." }] as never }, config);
    const { messages } = bodyOf(server.requests.at(-1));
    expect(messages[0]?.content).toContain("Tea or coffee?");
    expect(messages.find(({ name }) => name === "host")?.content).toBe("Which one?");
    expect(messages.find(({ name }) => name === "human")?.content).toBe("Decaf, please.");
  });
});

describe("interruption", () => {
  const ends = (record: ConversationRecord) => [record.status, record.ending.kind, record.turns.length];

  it("stops before the next turn on the stop signal", async () => {
    const stop = new AbortController();
    const { run } = await openStage({ scenario: turns(9) });
    let seen = 0;
    const record = await run({
      stopSignal: stop.signal,
      onEvent: ({ type }) => type === "turn" && ++seen === 2 && stop.abort(),
    });
    expect(ends(record).slice(0, 2)).toEqual(["interrupted", "abort"]);
    expect(record.turns.length).toBeLessThanOrEqual(3);
    const { status, turns: all } = await run();
    expect([status, all.length]).toEqual(["completed", 9]); // The graph itself is not stopped for good.
  });

  it("breaks off a turn in flight on the abort signal and keeps the turns before it", async () => {
    const abort = new AbortController();
    const { run, server } = await openStage({ scenario: turns(9), passages: [] });
    const abortOnArrival = () => {
      setImmediate(() => abort.abort());
      return true;
    };
    server.script.next(silent("One."), silent("Two."), { kind: "hang", when: abortOnArrival });
    const record = await run({ signal: abort.signal });
    expect(ends(record)).toEqual(["interrupted", "abort", 2]);
    expect(record.failures).toMatchObject([{ turn: 3, kind: "aborted", outcome: "stopped" }]);
    expect(record.usage.totals).toMatchObject({ requests: 3, unpricedRequests: 1 });
    expect(record.usage.totals.unpricedBoundNanoUsd).toBeGreaterThan(0);
  });
});

describe("functions of an embedder", () => {
  it("choose speakers and end the conversation", async () => {
    const { run } = await openStage({
      scenario: turns(9),
      parts: {
        policy: ({ turn }) => ({ speaker: turn % 2 === 1 ? "cleo" : "ada", reason: "my rule" }),
        endings: [
          ({ turns: taken }) => (taken.length === 4 ? { kind: "four", evidence: "4 turns" } : undefined),
        ],
      },
    });
    const { turns: taken, ending, status } = await run();
    expect(taken.map(({ speaker }) => speaker)).toEqual(["cleo", "ada", "cleo", "ada"]);
    expect(taken[0]?.choice).toMatchObject({ policy: "custom", reason: "my rule" });
    expect({ ending, status }).toEqual({
      ending: { kind: "four", evidence: "4 turns" },
      status: "completed",
    });
  });

  it("are told when they choose somebody who may not speak", async () => {
    const { run } = await openStage({ parts: { policy: () => ({ speaker: "ada", reason: "always" }) } });
    const ran = run();
    const cause = expect.objectContaining({
      message: expect.stringContaining('"ada" for turn 2; it may choose ben, cleo'),
    });
    await expect(ran).rejects.toMatchObject({
      code: "run-failed",
      cause,
      record: { status: "failed", turns: [{ turn: 1 }] },
    });
  });
});
