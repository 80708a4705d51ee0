/** What becomes of single lines: by the script, by faults, by what they ask; and which were answered before. */
import { describe, expect, it } from "vitest";
import { VERDICT, verdictFormat } from "../fixture.ts";
import { lineOf, linesOf, openStage } from "./stage.ts";

describe("a script's step", () => {
  it("answers one line, as it would a live request", async () => {
    const { server, look, submit, results } = openStage();
    server.script.next({ kind: "content", content: "High water at six." });
    const batch = await look(await submit(linesOf(1)));
    const [line] = await results(batch.output_file_id);
    expect(line?.response?.body.choices?.[0]?.message.content).toBe("High water at six.");
    expect(server.script.remaining).toBe(0);
  });

  it.each([
    [{ kind: "status", status: 503 }, 503, "server_error"],
    [{ kind: "rate-limited" }, 429, "requests"],
    [{ kind: "quota" }, 429, "insufficient_quota"],
    [{ kind: "resource-unavailable" }, 429, "resource_unavailable"],
  ] as const)("%o fails a line without a charge", async (step, status, type) => {
    const { server, look, submit, results } = openStage();
    server.script.next(step);
    const batch = await look(await submit(linesOf(1)));
    expect(batch).toMatchObject({ status: "completed", output_file_id: null });
    expect(await results(batch.error_file_id)).toMatchObject([
      { custom_id: "request-0", response: { status_code: status, body: { error: { type } } }, error: null },
    ]);
    expect(server.bill.requests).toBe(0);
  });

  it.each([
    [{ kind: "drop", billed: false }, 0],
    [{ kind: "hang" }, 0],
    [{ kind: "drop" }, 1],
    [{ kind: "hang", billed: true }, 1],
    [{ kind: "cut-stream", afterChunks: 1 }, 1],
  ] as const)("%o leaves a line without a response", async (step, billed) => {
    const { server, look, submit, results } = openStage();
    server.script.next(step);
    const batch = await look(await submit(linesOf(1)));
    expect(batch.request_counts).toEqual({ total: 1, completed: 0, failed: 1 });
    expect(await results(batch.error_file_id)).toMatchObject([
      { custom_id: "request-0", response: null, error: { code: "request_timeout" } },
    ]);
    expect(server.bill.requests).toBe(billed);
    expect((batch.usage?.total_tokens ?? 0) > 0).toBe(billed > 0);
  });

  it("that is slow is no slower in a batch", async () => {
    const { server, look, submit } = openStage();
    server.script.next({ kind: "slow-body", durationMs: 60_000, latencyMs: 60_000 });
    expect((await look(await submit(linesOf(1)))).request_counts?.completed).toBe(1);
  });
});

describe("faults", () => {
  const failedOf = async (ids: readonly string[], seed: number, repeat = 1) => {
    const { look, submit, results, server } = openStage({ batch: { faults: { seed, share: 0.3 } } });
    const failed: string[][] = [];
    for (let time = 0; time < repeat; time++) {
      const batch = await look(await submit(ids.map((id) => lineOf(id))));
      const lines = batch.error_file_id === null ? [] : await results(batch.error_file_id);
      for (const line of lines) expect(line.response?.status_code).toBe(500);
      failed.push(lines.map((line) => line.custom_id).sort());
      expect(batch.request_counts).toEqual({
        total: ids.length,
        completed: ids.length - lines.length,
        failed: lines.length,
      });
    }
    const count = failed.flat().length;
    expect(server.bill.requests).toBe(repeat * ids.length - count);
    expect(server.traffic).toMatchObject({ faulted: count, faultsByKind: { "batch-500": count } });
    return failed;
  };
  const ids = Array.from({ length: 100 }, (_, index) => `request-${index}`);

  it("meet the same requests, whatever they come with", async () => {
    const [all = []] = await failedOf(ids, 7);
    expect(all.length).toBeGreaterThan(15);
    expect(all.length).toBeLessThan(45);
    const half = ids.slice(50);
    expect(await failedOf(half, 7)).toEqual([all.filter((id) => half.includes(id))]);
    expect(await failedOf(ids, 8)).not.toEqual([all]);
  });

  it("meet others when the same come again", async () => {
    const [first, second] = await failedOf(ids, 7, 2);
    expect(second).not.toEqual(first);
  });

  it.each([-0.1, 1.1, Number.NaN])("have no share of %d", (share) => {
    expect(() => openStage({ batch: { faults: { seed: 1, share } } })).toThrow("batch.faults.share");
  });
});

describe("a line", () => {
  it.each(["flex", "priority"])("cannot ask for the %s tier", async (tier) => {
    const { look, submit, results, server } = openStage();
    const batch = await look(await submit([lineOf("x", { body: { service_tier: tier } })]));
    const [line] = await results(batch.error_file_id);
    expect(line?.response?.status_code).toBe(400);
    expect(server.bill.requests).toBe(0);
  });

  it("gets the structured answer it asked for", async () => {
    const { look, submit, results } = openStage();
    const batch = await look(await submit([lineOf("x", { body: { response_format: verdictFormat } })]));
    const [line] = await results(batch.output_file_id);
    expect(JSON.parse(line?.response?.body.choices?.[0]?.message.content ?? "")).toEqual(VERDICT);
  });

  it("that meets a bug of the server fails alone, and the bug is told", async () => {
    const { look, submit, results, server } = openStage({
      generator: ({ messages }) => {
        if (JSON.stringify(messages).includes("Tide 1?")) throw new Error("ebb");
        return { kind: "content", content: "Flow." };
      },
    });
    const batch = await look(await submit(linesOf(3)));
    expect(batch.request_counts).toEqual({ total: 3, completed: 2, failed: 1 });
    const [line] = await results(batch.error_file_id);
    expect(line).toMatchObject({ custom_id: "request-1", response: { status_code: 500 } });
    expect(server.faults.map(({ message }) => message)).toEqual(["ebb"]);
  });
});

describe("a custom_id that was answered before", () => {
  it("is told, each time", async () => {
    const { look, submit, server } = openStage();
    await look(await submit(linesOf(3)));
    await look(await submit(linesOf(2, "other")));
    expect(server.batches.repeatedCustomIds).toEqual([]);
    await look(await submit([lineOf("request-1"), lineOf("new")]));
    await look(await submit([lineOf("request-1")]));
    expect(server.batches.repeatedCustomIds).toEqual(["request-1", "request-1"]);
  });

  it("is not told when it had failed without a charge", async () => {
    const { look, submit, server } = openStage();
    server.script.next({ kind: "status", status: 500 });
    await look(await submit(linesOf(1)));
    await look(await submit(linesOf(1)));
    expect(server.batches.repeatedCustomIds).toEqual([]);
    expect(server.bill.requests).toBe(1);
  });
});

describe("times that are none", () => {
  it.each([
    [{ validationMs: -1 }, "batch.validationMs"],
    [{ processingMs: Number.NaN }, "batch.processingMs"],
    [{ finalizingMs: -1 }, "batch.finalizingMs"],
    [{ cancellingMs: -1 }, "batch.cancellingMs"],
    [{ enqueuedTokens: { "gpt-99": 1 } }, 'batch.enqueuedTokens: "gpt-99" is not served'],
    [{ enqueuedTokens: { "gpt-4.1-nano": 0 } }, "batch.enqueuedTokens.gpt-4.1-nano"],
  ])("are refused: %o", (batch, message) => {
    expect(() => openStage({ batch })).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining(message) }),
    );
  });
});
