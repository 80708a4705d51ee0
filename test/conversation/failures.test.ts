/** Every way a turn can fail, over the wire: the typed failure, its cost, the repair, the scenario's rule. */

import { tool } from "@langchain/core/tools";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { StructuredMethod } from "../../src/domain/scenario.ts";
import type { ScriptStep } from "../../src/offline/script.ts";
import { answer, bodyOf, openStage } from "./stage.ts";

const good: ScriptStep = { kind: "content", content: answer("We fix the timeouts first.") };
const search = (args: unknown): ScriptStep => ({
  kind: "tool-calls",
  calls: [
    { name: "search_knowledge_base", arguments: typeof args === "string" ? args : JSON.stringify(args) },
  ],
});
/** Shorter than the long answer, longer than every prompt of the stage. */
const LONGEST = 20_000;
const oneTurn = { endings: [{ maxTurns: 1 }] };

/** Runs one turn of the first persona against a script that must be used up. */
async function oneScriptedTurn(steps: ScriptStep[], scenario: object = {}) {
  const stage = await openStage({ scenario: { ...oneTurn, ...scenario } });
  stage.server.script.next(...steps);
  const record = await stage.run();
  expect(stage.server.script.remaining).toBe(0);
  expect(stage.server.faults).toEqual([]);
  expect(record.usage.totals.costNanoUsd).toBe(stage.server.bill.costNanoUsd);
  expect(record.usage.totals.requests).toBe(stage.server.bill.requests);
  return { ...stage, record };
}

describe("failures of an answer that a second try may cure", () => {
  it.each<[string, ScriptStep]>([
    ["truncated", { kind: "length" }],
    ["bad-shape", { kind: "bad-json" }],
    ["bad-shape", { kind: "content", content: { message: "Only a message." } }],
    ["bad-shape", { kind: "content", content: answer("Too sure.", { confidence: 7 }) }],
    // A message that may not be sent would fail every turn after it.
    ["bad-shape", { kind: "content", content: answer("=".repeat(20_001)) }],
    ["empty", { kind: "empty" }],
    ["empty", { kind: "content", content: answer("   ") }],
  ])("%s is repaired once and counted", async (kind, step) => {
    const { record, server } = await oneScriptedTurn([step, good], {
      screening: { maxMessageCharacters: LONGEST },
    });
    expect(record.turns.map(({ message }) => message)).toEqual(["We fix the timeouts first."]);
    expect(record.failures).toMatchObject([{ turn: 1, speaker: "ada", kind, outcome: "repaired" }]);
    expect(record.failures[0]?.usage.requests).toBe(1);
    expect(record.turns[0]?.usage.requests).toBe(2);
    expect(server.requests).toHaveLength(2);
  });

  it.each<[string, ScriptStep]>([
    ["truncated", { kind: "length" }],
    ["bad-shape", { kind: "bad-json" }],
    ["empty", { kind: "empty" }],
  ])("%s twice fails the turn and leaves no words behind", async (kind, step) => {
    const { record } = await oneScriptedTurn([{ ...step, times: 2 }]);
    expect(record.turns).toEqual([]);
    expect(record.failures).toMatchObject([
      { kind, outcome: "skipped", usage: { requests: 1 } },
      { kind, outcome: "skipped", usage: { requests: 1 } },
    ]);
    expect(record.remarks.map(({ speaker }) => speaker)).toEqual(["host"]);
  });
});

describe("a conversation in which nobody was answered", () => {
  it("has failed at its limit, and says why", async () => {
    const stage = await openStage({ scenario: { endings: [{ maxTurns: 2 }] } });
    stage.server.script.next({ kind: "content-filter", times: 2 });
    const { status, ending, turns } = await stage.run();
    expect({ status, turns }).toEqual({ status: "failed", turns: [] });
    expect(ending.kind).toBe("failure");
    expect(ending.evidence).toMatch(
      /^2 turns, the limit is 2, and none of them was answered; the last: filtered\. /,
    );
  });
});

describe("failures that no second try cures", () => {
  it.each<[string, ScriptStep, RegExp]>([
    ["refused", { kind: "refusal", refusal: "I cannot help with that." }, /I cannot help with that/],
    ["filtered", { kind: "content-filter" }, /content filter/],
  ])("%s ends the turn after one paid request", async (kind, step, detail) => {
    const { record, server } = await oneScriptedTurn([step]);
    expect(record.turns).toEqual([]);
    expect(record.failures).toMatchObject([{ kind, outcome: "skipped", usage: { requests: 1 } }]);
    expect(record.failures[0]?.detail).toMatch(detail);
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    ["rate-limited", 429],
    ["server-error", 500],
    ["server-error", 503],
    ["bad-request", 400],
  ])("%s for status %i costs nothing and is no entry", async (kind, status) => {
    const { record } = await oneScriptedTurn([{ kind: "status", status }]);
    expect(record.failures).toMatchObject([{ kind, usage: { requests: 0, costNanoUsd: 0 } }]);
    expect(record.usage.entries).toEqual([]);
  });

  it.each<[string, ScriptStep]>([
    ["unauthorised", { kind: "status", status: 401 }],
    ["model-not-found", { kind: "status", status: 404 }],
    ["quota-exhausted", { kind: "quota" }],
  ])("%s stops the conversation, since nobody else could speak either", async (kind, step) => {
    const { record } = await oneScriptedTurn([step], { endings: [{ maxTurns: 5 }] });
    expect(record.failures).toMatchObject([{ kind, outcome: "stopped" }]);
    expect(record).toMatchObject({ status: "failed", ending: { kind: "failure" } });
  });

  it("reports a dropped connection as unreachable, with a cost that is unknown and not zero", async () => {
    const stage = await openStage({ scenario: oneTurn });
    stage.server.script.next({ kind: "drop" });
    const { failures, usage, status } = await stage.run();
    expect(failures).toMatchObject([{ kind: "unreachable", outcome: "stopped" }]);
    expect(status).toBe("failed"); // Nobody has ever answered there.
    expect(usage.entries).toHaveLength(1);
    expect(usage.entries[0]?.costNanoUsd).toBeUndefined();
    expect(usage.totals).toMatchObject({ requests: 1, unpricedRequests: 1 });
    expect(usage.totals.costNanoUsd).toBeUndefined();
  });

  it("takes a page that is no completion for a server error and points at the base URL", async () => {
    const page: typeof globalThis.fetch = async () => new Response("<html>Welcome</html>");
    const json: typeof globalThis.fetch = async () => Response.json({ hello: "world" });
    for (const fetch of [page, json]) {
      const { run } = await openStage({ scenario: oneTurn, gateway: { fetch } });
      const { failures } = await run();
      expect(failures).toMatchObject([
        { kind: "server-error", detail: expect.stringContaining("OPENAI_BASE_URL") },
      ]);
    }
  });

  it.each([307, 408, 502, 504])("owes what a provider may have billed behind status %i", async (status) => {
    const stage = await openStage({ scenario: { endings: [{ maxTurns: 2 }] }, passages: [] });
    stage.server.script.next(good, { kind: "status", status });
    const { usage } = await stage.run();
    expect(usage.totals).toMatchObject({ requests: 2, unpricedRequests: 1 });
    expect(usage.totals.unpricedBoundNanoUsd).toBeGreaterThan(0);
  });

  it("follows no redirect, which would carry the prompt to another host", async () => {
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = async (input, init) => {
      asked.push(`${init?.redirect} ${String(input)}`);
      return new Response(null, { status: 307, headers: { location: "http://elsewhere.invalid/v1" } });
    };
    const { run } = await openStage({ scenario: oneTurn, gateway: { fetch } });
    expect((await run()).failures).toMatchObject([{ kind: "bad-request" }]);
    expect(asked).toEqual(["manual http://offline.invalid/v1/chat/completions"]);
  });

  it("reads no more than the beginning of an error that does not end", async () => {
    let sent = 0;
    const endless = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          sent += 1;
          controller.enqueue(new Uint8Array(16_384).fill(97));
        },
      });
    const fetch: typeof globalThis.fetch = async () => new Response(endless(), { status: 400 });
    const { run } = await openStage({ scenario: oneTurn, gateway: { fetch } });
    const { failures } = await run();
    expect(failures).toMatchObject([{ kind: "bad-request" }]);
    expect(failures[0]?.detail.length).toBeLessThan(1000);
    expect(sent).toBeLessThan(10);
  });

  it("stops when the server fails two speakers in a row", async () => {
    const stage = await openStage({ scenario: { endings: [{ maxTurns: 9 }] }, passages: [] });
    stage.server.script.next(good, { kind: "status", status: 500, times: 2 });
    const { status, turns, failures } = await stage.run();
    expect({ status, turns: turns.length, failures: failures.length }).toEqual({
      status: "failed",
      turns: 1,
      failures: 2,
    });
  });

  it("owes nothing for a connection that was never made", async () => {
    const refused = Object.assign(new TypeError("fetch failed"), {
      cause: Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }),
    });
    const { run } = await openStage({ scenario: oneTurn, gateway: { fetch: () => Promise.reject(refused) } });
    const { failures, usage } = await run();
    expect(failures).toMatchObject([{ kind: "unreachable" }]);
    expect(usage.totals).toMatchObject({ requests: 0, costNanoUsd: 0 });
  });

  it("gives up a hanging connection after the timeout", async () => {
    const stage = await openStage({ scenario: oneTurn, gateway: { timeoutMs: 50 } });
    stage.server.script.next({ kind: "hang" });
    const { failures } = await stage.run();
    expect(failures).toMatchObject([{ kind: "timed-out", outcome: "stopped" }]);
  });

  it("skips a turn whose connection drops once the server has answered before", async () => {
    const stage = await openStage({ scenario: { endings: [{ maxTurns: 3 }] } });
    stage.server.script.next(good, { kind: "drop" });
    const { turns, failures, status } = await stage.run();
    expect(failures).toMatchObject([{ kind: "unreachable", outcome: "skipped" }]);
    expect({ spoken: turns.map(({ turn }) => turn), status }).toEqual({
      spoken: [1, 3],
      status: "completed",
    });
  });

  it("takes a stream that was cut for unreachable, with unknown cost", async () => {
    const stage = await openStage({ scenario: oneTurn });
    stage.server.script.next({ kind: "cut-stream", afterChunks: 3 });
    // Somebody who watches messages makes LangChain stream over HTTP as well.
    const stream = await stage.graph.stream({}, { streamMode: ["messages", "values"] });
    let state: { turns?: unknown[]; failures?: { kind: string }[]; totals?: { unpricedRequests: number } } =
      {};
    for await (const [mode, chunk] of stream) if (mode === "values") state = chunk;
    expect(stage.server.script.remaining).toBe(0);
    expect(state.turns).toEqual([]);
    expect(state.failures).toMatchObject([{ kind: "unreachable" }]);
    expect(state.totals?.unpricedRequests).toBe(1);
  });
});

describe("tools", () => {
  it.each(["functions.search", "search knowledge base", "x".repeat(80)])(
    "answers a call of %s, whose name no provider would take back",
    async (name) => {
      const calls = [{ id: "same", type: "function", function: { name, arguments: "{}" } }];
      const stage = await openStage({ scenario: oneTurn });
      let asked = 0;
      const fetch: typeof globalThis.fetch = async (input, init) => {
        asked += 1;
        const response = await stage.server.fetch(input, init);
        if (asked > 1) return response;
        const body = (await response.json()) as { choices: { message: unknown }[] };
        body.choices = [
          {
            ...body.choices[0],
            message: { role: "assistant", content: null, tool_calls: [...calls, ...calls] },
          },
        ];
        return Response.json(body);
      };
      const { run } = await openStage({ scenario: oneTurn, gateway: { fetch } });
      const { turns, failures } = await run();
      expect(turns).toHaveLength(1);
      expect(failures.length).toBeGreaterThan(0);
      for (const { kind, outcome } of failures) {
        expect(["unknown-tool", "tool-error"]).toContain(kind);
        expect(outcome).toBe("repaired");
      }
    },
  );

  it("looks at sixteen calls of a message at most", async () => {
    const many = Array.from({ length: 40 }, () => ({ name: "open_window", arguments: "{}" }));
    const { record } = await oneScriptedTurn([{ kind: "tool-calls", calls: many }]);
    expect(record.failures).toHaveLength(16);
  });

  it("answers a call of an unknown tool and lets the model go on", async () => {
    const unknown: ScriptStep = { kind: "tool-calls", calls: [{ name: "open_window", arguments: "{}" }] };
    const { record, server } = await oneScriptedTurn([unknown, good]);
    expect(record.turns).toHaveLength(1);
    expect(record.failures).toMatchObject([{ kind: "unknown-tool", outcome: "repaired" }]);
    const second = bodyOf(server.requests[1]);
    expect(second.messages.at(-1)).toMatchObject({
      role: "tool",
      content: expect.stringContaining("open_window"),
    });
  });

  it("answers a call with arguments that break the tool's schema", async () => {
    const { record } = await oneScriptedTurn([search({ query: 7, category: "weather" }), good]);
    expect(record.turns[0]?.toolCalls).toMatchObject([{ name: "search_knowledge_base", status: "error" }]);
    expect(record.failures).toMatchObject([{ kind: "tool-error", outcome: "repaired" }]);
  });

  it("answers a call with arguments that are no JSON", async () => {
    const { record } = await oneScriptedTurn([search("{query:"), good]);
    expect(record.failures).toMatchObject([{ kind: "tool-error", outcome: "repaired" }]);
    expect(record.turns).toHaveLength(1);
  });

  it("fails the turn when a tool call fails twice", async () => {
    const { record } = await oneScriptedTurn([
      search({ query: 7, category: null }),
      search({ query: 8, category: null }),
    ]);
    expect(record.turns).toEqual([]);
    expect(record.failures.map(({ kind }) => kind)).toEqual(["tool-error", "tool-error"]);
  });

  it("answers every call of one message, the failed ones too", async () => {
    const both: ScriptStep = {
      kind: "tool-calls",
      calls: [
        {
          name: "search_knowledge_base",
          arguments: JSON.stringify({ query: "cold starts", category: null }),
        },
        { name: "open_window", arguments: "{}" },
      ],
    };
    const { record, server } = await oneScriptedTurn([both, good]);
    const second = bodyOf(server.requests[1]);
    expect(second.messages.filter(({ role }) => role === "tool")).toHaveLength(2);
    expect(record.turns[0]?.toolCalls.map(({ status }) => status)).toEqual(["ok", "error"]);
  });

  it("reports a tool that throws", async () => {
    const broken = tool(
      () => {
        throw new Error("the shelf is empty");
      },
      { name: "fetch_file", description: "Fetches a file.", schema: z.strictObject({ name: z.string() }) },
    );
    const stage = await openStage({ scenario: oneTurn, parts: { tools: [broken] } });
    stage.server.script.next(
      { kind: "tool-calls", calls: [{ name: "fetch_file", arguments: '{"name":"a"}' }] },
      good,
    );
    const { turns, failures } = await stage.run();
    expect(turns).toHaveLength(1);
    expect(failures).toMatchObject([
      { kind: "tool-error", detail: expect.stringContaining("the shelf is empty") },
    ]);
  });

  it("stops a model that calls tools without end, with a repair in between", async () => {
    const again = search({ query: "cold starts", category: null });
    const { record } = await oneScriptedTurn([{ ...again, times: 4 }]);
    expect(record.turns).toEqual([]);
    expect(record.failures.map(({ kind }) => kind)).toEqual(["tool-limit", "tool-limit"]);
  });

  it("removes citations that nothing returned and says so", async () => {
    const cites: ScriptStep = {
      kind: "content",
      content: answer("Cold starts are the cause.", { citations: ["cold-starts#1", "invented#9"] }),
    };
    const { record } = await oneScriptedTurn([
      search({ query: "cold starts", category: "technical" }),
      cites,
    ]);
    expect(record.turns).toMatchObject([{ citations: ["cold-starts#1"], removedCitations: ["invented#9"] }]);
    expect(record.failures).toEqual([]);
  });
});

describe("the scenario's rule", () => {
  it("skips the failed turn and calls the next speaker", async () => {
    const stage = await openStage({ scenario: { endings: [{ maxTurns: 2 }] } });
    stage.server.script.next({ kind: "refusal", refusal: "No." });
    const { turns, status } = await stage.run();
    expect(turns.map(({ turn, speaker }) => [turn, speaker])).toEqual([[2, "ben"]]);
    expect(status).toBe("completed");
  });

  it("stops the conversation when it says so", async () => {
    const stage = await openStage({ scenario: { onFailure: "stop" } });
    stage.server.script.next({ kind: "refusal", refusal: "No." });
    const { turns, status, ending, failures } = await stage.run();
    expect(turns).toEqual([]);
    expect(failures).toMatchObject([{ outcome: "stopped" }]);
    expect({ status, kind: ending.kind }).toEqual({ status: "failed", kind: "failure" });
  });

  it("ends a conversation in which every turn fails", async () => {
    const stage = await openStage({ scenario: { endings: [{ maxTurns: 50 }] } });
    stage.server.script.next({ kind: "refusal", refusal: "No.", times: 3 });
    const { status, ending } = await stage.run();
    expect(status).toBe("failed");
    expect(ending.evidence).toContain("3 turns in a row failed");
  });
});

describe("other ways to demand the answer", () => {
  it.each<StructuredMethod>(["function-calling", "json-mode"])(
    "%s gives valid turns at the same price",
    async (method) => {
      const { record, server } = await oneScriptedTurn([], {
        answers: { method },
        endings: [{ maxTurns: 6 }],
      });
      expect(record.turns).toHaveLength(6);
      expect(record.failures).toEqual([]);
      expect(server.requests.every(({ status }) => status === 200)).toBe(true);
    },
  );

  it.each<[StructuredMethod, ScriptStep]>([
    [
      "function-calling",
      { kind: "tool-calls", calls: [{ name: "answer", arguments: '{"message":"Half."}' }] },
    ],
    ["json-mode", { kind: "content", content: { message: "Half." } }],
  ])("%s: an answer of the wrong shape is repaired", async (method, step) => {
    const stage = await openStage({ scenario: { ...oneTurn, answers: { method } } });
    stage.server.script.next(step);
    const { turns, failures } = await stage.run();
    expect(failures).toMatchObject([{ kind: "bad-shape", outcome: "repaired" }]);
    expect(turns).toHaveLength(1);
    expect(stage.server.requests.every(({ status }) => status === 200)).toBe(true);
  });
});
