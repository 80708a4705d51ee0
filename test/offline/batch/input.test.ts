/** What makes a batch fail when its file is looked at: found by asking for the batch, never by the call that made it. */
import { describe, expect, it } from "vitest";
import { requestOf } from "../fixture.ts";
import { HOUR_MS, inJsonLines, lineOf, linesOf, openStage } from "./stage.ts";

/** Each problem of a file's batch as `line code param`. */
async function problemsOf(lines: readonly unknown[] | string): Promise<string[]> {
  const { look, submit, server } = openStage();
  const { status, errors, model, request_counts } = await look(await submit(lines));
  expect({ status, requests: server.bill.requests }).toEqual({ status: "failed", requests: 0 });
  expect({ model, request_counts }).toEqual({
    model: null,
    request_counts: { total: 0, completed: 0, failed: 0 },
  });
  expect(errors?.object).toBe("list");
  return (errors?.data ?? []).map(({ line, code, param, message }) => {
    expect(message?.length).toBeGreaterThan(10);
    return `${line} ${code} ${param}`;
  });
}

const without = (name: string) =>
  Object.fromEntries(Object.entries(lineOf("x")).filter(([key]) => key !== name));

describe("a batch fails for", () => {
  it.each<[string, unknown, string]>([
    ["a line that is no JSON", '{"custom_id": "x"', "invalid_json_line null"],
    ["a line that is no object", "[1, 2]", "invalid_json_line null"],
    ["an empty line", "", "invalid_json_line null"],
    ["a line without custom_id", without("custom_id"), "missing_required_parameter custom_id"],
    ["a line without method", without("method"), "missing_required_parameter method"],
    ["a line without url", without("url"), "missing_required_parameter url"],
    ["a line without body", without("body"), "missing_required_parameter body"],
    ["a field it does not know", lineOf("x", { priority: 1 }), "unknown_parameter priority"],
    ["a custom_id that is no text", lineOf("x", { custom_id: 7 }), "invalid_custom_id custom_id"],
    ["an empty custom_id", lineOf(""), "invalid_custom_id custom_id"],
    ["a long custom_id", lineOf("x".repeat(65)), "invalid_custom_id custom_id"],
    ["another method", lineOf("x", { method: "GET" }), "invalid_method method"],
    ["another endpoint", lineOf("x", { url: "/v1/responses" }), "url_mismatch url"],
    ["a body that is no object", { ...lineOf("x"), body: "text" }, "invalid_request body"],
    ["a custom_id that came before", lineOf("first"), "duplicate_custom_id custom_id"],
    ["another model", lineOf("x", { body: { model: "o4-mini" } }), "model_mismatch body.model"],
    [
      "a snapshot beside its base model",
      lineOf("x", { body: { model: "gpt-4.1-nano-2025-04-14" } }),
      "model_mismatch body.model",
    ],
    ["a model that is none", lineOf("x", { body: { model: "gpt-99" } }), "model_not_found body.model"],
    ["a request without model", lineOf("x", { body: { model: "" } }), "invalid_request body.model"],
    ["a stream", lineOf("x", { body: { stream: true } }), "streaming_unsupported body.stream"],
  ])("%s, and tells which", async (_, bad, problem) => {
    expect(await problemsOf([lineOf("first"), bad, lineOf("last")])).toEqual([`2 ${problem}`]);
  });

  it("a request without messages", async () => {
    const { messages: _, ...body } = requestOf();
    const line = { ...lineOf("x"), body };
    expect(await problemsOf([lineOf("first"), line])).toEqual(["2 invalid_request body.messages"]);
  });

  it("each line that is wrong, up to 100", async () => {
    const wrong = (index: number) => lineOf(`x${index}`, { method: "GET" });
    expect(await problemsOf([wrong(0), lineOf("fine"), wrong(1)])).toEqual([
      "1 invalid_method method",
      "3 invalid_method method",
    ]);
    expect(await problemsOf(Array.from({ length: 150 }, (_, index) => wrong(index)))).toHaveLength(100);
  });

  it.each(["\n", "  \n\n"])("a file without requests: %j", async (text) => {
    expect(await problemsOf(text)).toEqual(["null empty_file null"]);
  });

  it("more than 50,000 requests, and not for 50,000", async () => {
    const line = (index: number) =>
      `{"custom_id":"${index}","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4.1-nano","messages":0}}`;
    const lines = Array.from({ length: 50_001 }, (_, index) => line(index));
    expect(await problemsOf(lines)).toEqual(["null too_many_tasks null"]);
    const { look, submit, wait } = openStage({ batch: { processingMs: 48 * HOUR_MS } });
    const created = await submit(lines.slice(1));
    wait(1);
    expect(await look(created)).toMatchObject({ status: "in_progress", request_counts: { total: 50_000 } });
  }, 60_000);
});

describe("a file is taken", () => {
  it.each([
    ["with a line end after its last line", `${inJsonLines(linesOf(3))}\n`],
    ["without one", inJsonLines(linesOf(3))],
    [
      "with the line ends of Windows",
      linesOf(3)
        .map((line) => `${JSON.stringify(line)}\r\n`)
        .join(""),
    ],
  ])("%s", async (_, text) => {
    const { look, submit } = openStage();
    expect(await look(await submit(text))).toMatchObject({
      status: "completed",
      request_counts: { total: 3, completed: 3, failed: 0 },
    });
  });

  it("with any text in its requests", async () => {
    const { look, submit, results } = openStage();
    const messages = [{ role: "user" as const, content: "Ebbe\u2028und Flut \u0000 \n 🌊 \ud83c" }];
    const batch = await look(await submit([lineOf('ebb "and" flow\n', { body: { messages } })]));
    const [line] = await results(batch.output_file_id);
    expect(line?.custom_id).toBe('ebb "and" flow\n');
  });
});

describe("a limit of enqueued tokens", () => {
  // Each of these prompts counts 12 tokens.
  const limits = { validationMs: 1000, processingMs: 60_000, enqueuedTokens: { "gpt-4.1-nano": 120 } };

  it("counts the prompts of all batches of a model that are not over", async () => {
    const { look, submit, wait } = openStage({ batch: limits });
    const first = await submit(linesOf(6));
    const second = await submit(linesOf(5, "other"));
    wait(1000);
    expect((await look(first)).status).toBe("in_progress");
    expect(await look(second)).toMatchObject({
      status: "failed",
      errors: {
        object: "list",
        data: [
          {
            code: "token_limit_exceeded",
            line: null,
            message:
              "Enqueued token limit reached for gpt-4.1-nano in organization offline. Limit: 120 enqueued tokens. Please try again once some in_progress batches have been completed.",
            param: null,
          },
        ],
      },
    });
    const third = await submit(linesOf(4, "third"));
    wait(1000);
    expect((await look(third)).status).toBe("in_progress");
  });

  it("is free again when the others are over", async () => {
    const { look, submit, wait } = openStage({ batch: limits });
    await submit(linesOf(10));
    wait(61_000);
    const next = await submit(linesOf(10, "other"));
    wait(1000);
    expect((await look(next)).status).toBe("in_progress");
  });

  it("is one model's alone, its snapshots' too", async () => {
    const { look, submit, wait } = openStage({ batch: limits });
    const of = (model: string) => linesOf(10).map((line) => ({ ...line, body: { ...line.body, model } }));
    const [snapshot, other, base] = [
      await submit(of("gpt-4.1-nano-2025-04-14")),
      await submit(of("gpt-4.1-mini")),
      await submit(of("gpt-4.1-nano")),
    ];
    wait(1000);
    const states = [];
    for (const batch of [snapshot, other, base]) states.push((await look(batch)).status);
    expect(states).toEqual(["in_progress", "in_progress", "failed"]);
  });

  it("is the rate limit's own where there is no other, and told in the project's limits", async () => {
    const { client, look, submit } = openStage({
      adminKey: "sk-admin-offline",
      rateLimit: { requestsPerMinute: 1, tokensPerMinute: 1, batchTokensPerDay: 60 },
      batch: { enqueuedTokens: { "gpt-4.1-mini": 120 } },
    });
    const ofMini = linesOf(10).map((line) => ({ ...line, body: { ...line.body, model: "gpt-4.1-mini" } }));
    expect((await look(await submit(linesOf(6)))).status).toBe("failed");
    expect((await look(await submit(ofMini))).status).toBe("completed");
    const { admin } = client.withOptions({ adminAPIKey: "sk-admin-offline" });
    const { data } = await admin.organization.projects.rateLimits.listRateLimits("proj_offline");
    const limits = data.map((row) => [row.model, row.batch_1_day_max_input_tokens]);
    expect(limits.slice(0, 2)).toEqual([
      ["gpt-4.1-nano", 60],
      ["gpt-4.1-mini", 120],
    ]);
  });

  it("does not count what will fail as its own line", async () => {
    const { look, submit, wait } = openStage({ batch: limits });
    const bad = lineOf("bad", { body: { messages: [{ role: "user", content: "tide ".repeat(500) }], n: 9 } });
    const created = await submit([bad, ...linesOf(10)]);
    wait(1000);
    expect((await look(created)).status).toBe("in_progress");
  });
});
