/** Batches from their files to their results, driven by the official client. */
import { describe, expect, it } from "vitest";
import { answerTo, post, requestOf } from "../fixture.ts";
import { HOUR_MS, lineOf, linesOf, openStage, START_MS } from "./stage.ts";

const sorted = (texts: readonly string[]) => [...texts].sort();

describe("a batch", () => {
  it("answers every request of its file once, each named by its custom_id", async () => {
    const { server, look, submit, results } = openStage();
    const lines = linesOf(30);
    const created = await submit(lines);
    expect(created.status).toBe("validating");
    const batch = await look(created);
    expect(batch).toMatchObject({
      status: "completed",
      request_counts: { total: 30, completed: 30, failed: 0 },
      error_file_id: null,
      errors: null,
    });
    const found = await results(batch.output_file_id);
    const ids = found.map((line) => line.custom_id);
    expect(sorted(ids)).toEqual(sorted(lines.map((line) => line.custom_id)));
    // By the seed, not by the file: whoever goes by the order mixes answers up.
    expect(ids).not.toEqual(lines.map((line) => line.custom_id));
    expect(server.faults).toEqual([]);
  });

  it("answers as a live request would, but for ids", async () => {
    const { server, look, submit, results } = openStage();
    const messages = [{ role: "user" as const, content: "Tide 0?" }];
    const live: unknown = await (await post(server, requestOf({ messages }))).json();
    const batch = await look(await submit(linesOf(1)));
    const [line] = await results(batch.output_file_id);
    expect(line).toMatchObject({
      id: "batch_req_offline_000001",
      custom_id: "request-0",
      response: { status_code: 200, request_id: "req_offline_batch_000001" },
      error: null,
    });
    expect({ ...line?.response?.body, id: "chatcmpl-offline-000001" }).toEqual(live);
  });

  it("is charged at the batch's price, each request by the id in its line", async () => {
    const { server, look, submit, results } = openStage();
    await answerTo(server, { messages: [{ role: "user", content: "Tide 0?" }] });
    const live = server.bill.costNanoUsd;
    const batch = await look(await submit(linesOf(1)));
    const [line] = await results(batch.output_file_id);
    const charge = server.charges.get(line?.response?.request_id ?? "");
    expect(charge).toMatchObject({ tier: "batch", model: "gpt-4.1-nano", costNanoUsd: live / 2 });
    expect(server.bill).toMatchObject({ requests: 2, costNanoUsd: live + live / 2 });
    expect(batch.usage?.input_tokens).toBe(charge?.inputTokens);
    expect(batch.usage?.output_tokens).toBe(charge?.outputTokens);
  });

  it("shows its metadata and its times", async () => {
    const { look, create, upload } = openStage();
    const metadata = { run: "tides", wave: "3" };
    const file = await upload(linesOf(1));
    const batch = await look(await create(file.id, { metadata }));
    const at = START_MS / 1000;
    expect(batch).toEqual({
      object: "batch",
      id: expect.stringMatching(/^batch_offline_\w+_000001$/),
      endpoint: "/v1/chat/completions",
      model: "gpt-4.1-nano",
      errors: null,
      input_file_id: file.id,
      completion_window: "24h",
      status: "completed",
      output_file_id: expect.stringMatching(/^file-offline-/),
      error_file_id: null,
      created_at: at,
      in_progress_at: at,
      expires_at: at + 86_400,
      finalizing_at: at,
      completed_at: at,
      failed_at: null,
      expired_at: null,
      cancelling_at: null,
      cancelled_at: null,
      request_counts: { total: 1, completed: 1, failed: 0 },
      usage: {
        input_tokens: 12,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens: 7,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: 19,
      },
      metadata,
    });
  });

  it("writes failed requests into the error file, and has no output file when all fail", async () => {
    const { server, look, submit, results } = openStage();
    const bad = [
      lineOf("hot", { body: { temperature: 7 } }),
      lineOf("wide", { body: { max_tokens: 1_000_000 } }),
    ];
    const mixed = await look(await submit([...bad, ...linesOf(2)]));
    expect(mixed).toMatchObject({
      status: "completed",
      request_counts: { total: 4, completed: 2, failed: 2 },
    });
    const failures = await results(mixed.error_file_id);
    expect(sorted(failures.map((line) => line.custom_id))).toEqual(["hot", "wide"]);
    expect(failures.find((line) => line.custom_id === "hot")).toMatchObject({
      response: {
        status_code: 400,
        body: { error: { type: "invalid_request_error", param: "temperature" } },
      },
      error: null,
    });
    const billed = server.bill.requests;
    const failed = await look(await submit(bad));
    expect(failed).toMatchObject({
      status: "completed",
      output_file_id: null,
      request_counts: { total: 2, completed: 0, failed: 2 },
    });
    expect(await results(failed.error_file_id)).toHaveLength(2);
    expect(server.bill.requests).toBe(billed);
  });

  it("knows no live rate limit", async () => {
    const { server, look, submit } = openStage({ rateLimit: { requestsPerMinute: 1, tokensPerMinute: 40 } });
    const batch = await look(await submit(linesOf(20)));
    expect(batch.request_counts?.completed).toBe(20);
    expect(server.traffic).toMatchObject({ rejected: 0, requests: 0 });
  });

  it("shares the prompt cache with live requests", async () => {
    const { server, look, submit, results } = openStage();
    const messages = [{ role: "user" as const, content: "hello ".repeat(2_000) }];
    await answerTo(server, { messages });
    const batch = await look(await submit([lineOf("again", { body: { messages } })]));
    const [line] = await results(batch.output_file_id);
    expect(line?.response?.body.usage?.prompt_tokens_details.cached_tokens).toBeGreaterThan(1024);
    expect(batch.usage?.input_tokens_details.cached_tokens).toBeGreaterThan(1024);
  });

  it("stands in the organization's reports by the minute in which each request was answered", async () => {
    const adminKey = "sk-admin-offline";
    const { client, server, submit, wait } = openStage({ adminKey, batch: { processingMs: 120_000 } });
    await submit(linesOf(4));
    // Nobody looked at the batch before the reports are asked for.
    wait(HOUR_MS);
    const admin = client.withOptions({ adminAPIKey: adminKey });
    const usage = await admin.admin.organization.usage.completions({
      start_time: START_MS / 1000,
      bucket_width: "1m",
      group_by: ["batch", "project_id", "model"],
      limit: 4,
    });
    const rows = usage.data.map(({ results }) =>
      results.map((row) => ("num_model_requests" in row ? { ...row } : undefined)),
    );
    const row = { batch: true, project_id: "proj_offline", model: "gpt-4.1-nano" };
    expect(rows).toMatchObject([
      [{ ...row, num_model_requests: 1 }],
      [{ ...row, num_model_requests: 2 }],
      [{ ...row, num_model_requests: 1 }],
      [],
    ]);
    const costs = await admin.admin.organization.usage.costs({
      start_time: START_MS / 1000 - 86_400,
      group_by: ["line_item"],
    });
    const items = costs.data.flatMap(({ results }) =>
      results.flatMap((row) => ("line_item" in row ? [row] : [])),
    );
    expect(items.map((item) => item.line_item)).toEqual([
      "gpt-4.1-nano, batch input_tokens",
      "gpt-4.1-nano, batch output_tokens",
    ]);
    const dollars = items.reduce((sum, { amount }) => sum + Number(amount?.value ?? Number.NaN), 0);
    expect(dollars).toBeCloseTo(server.bill.costNanoUsd / 1e9, 12);
    expect(server.bill.requests).toBe(4);
  });
});
