/** The states of a batch on the clock: which follow each other, what is kept, and that looking changes nothing. */
import { OpenAIClient } from "@langchain/openai";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OfflineBatchOptions } from "../../../src/offline/batch/options.ts";
import type { BatchStatus } from "../../../src/offline/batch/protocol.ts";
import { HOUR_MS, linesOf, openStage, START_MS } from "./stage.ts";

const TIMES = { validationMs: 60_000, processingMs: 600_000, finalizingMs: 30_000, cancellingMs: 120_000 };
const MINUTE_MS = 60_000;
const at = (minutes: number) => START_MS / 1000 + minutes * 60;

describe("a batch that takes its time", () => {
  it("goes from validating over in_progress and finalizing to completed", async () => {
    const { look, submit, wait, server } = openStage({ batch: TIMES });
    const created = await submit(linesOf(10));
    expect(await look(created)).toMatchObject({
      status: "validating",
      model: null,
      in_progress_at: null,
      request_counts: { total: 0, completed: 0, failed: 0 },
    });
    wait(MINUTE_MS);
    expect(await look(created)).toMatchObject({
      status: "in_progress",
      model: "gpt-4.1-nano",
      in_progress_at: at(1),
      output_file_id: null,
      request_counts: { total: 10, completed: 0, failed: 0 },
    });
    wait(3.5 * MINUTE_MS);
    expect(await look(created)).toMatchObject({ request_counts: { total: 10, completed: 3, failed: 0 } });
    // Charged as they are answered, not when the batch is over.
    expect(server.bill.requests).toBe(3);
    wait(6.5 * MINUTE_MS);
    expect(await look(created)).toMatchObject({
      status: "finalizing",
      finalizing_at: at(11),
      completed_at: null,
      output_file_id: null,
      request_counts: { total: 10, completed: 10, failed: 0 },
    });
    wait(MINUTE_MS / 2);
    expect(await look(created)).toMatchObject({
      status: "completed",
      created_at: at(0),
      in_progress_at: at(1),
      finalizing_at: at(11),
      completed_at: at(11.5),
      output_file_id: expect.stringMatching(/^file-/),
    });
  });

  it("is the same at the end when nobody looked in between", async () => {
    const { look, submit, wait } = openStage({ batch: TIMES });
    const created = await submit(linesOf(10));
    wait(HOUR_MS);
    expect(await look(created)).toMatchObject({
      status: "completed",
      in_progress_at: at(1),
      finalizing_at: at(11),
      completed_at: at(11.5),
    });
  });

  it("reads its file as it was when that was due, however late somebody looks", async () => {
    const { client, look, submit, wait } = openStage({ batch: TIMES });
    const created = await submit(linesOf(10));
    wait(31 * 24 * HOUR_MS);
    expect((await client.files.list()).data).toEqual([]);
    expect(await look(created)).toMatchObject({ status: "completed", completed_at: at(11.5) });
  });

  it("fails when its file is found wrong", async () => {
    const { look, submit, wait } = openStage({ batch: TIMES });
    const created = await submit(['{"custom_id":"one"}']);
    wait(MINUTE_MS);
    expect(await look(created)).toMatchObject({
      status: "failed",
      failed_at: at(1),
      in_progress_at: null,
      output_file_id: null,
      error_file_id: null,
      request_counts: { total: 0, completed: 0, failed: 0 },
    });
  });

  it("fails when its file expires before it is looked at", async () => {
    const { client, create, look, wait } = openStage({ batch: { validationMs: HOUR_MS } });
    const file = await client.files.create({
      purpose: "batch",
      file: new File([JSON.stringify(linesOf(1)[0])], "short.jsonl"),
      expires_after: { anchor: "created_at", seconds: 3600 },
    });
    const created = await create(file.id);
    wait(2 * HOUR_MS);
    expect(await look(created)).toMatchObject({ status: "failed", errors: { data: [{ param: "file_id" }] } });
    await expect(client.files.retrieve(file.id)).rejects.toBeInstanceOf(OpenAIClient.NotFoundError);
  });

  it("fails when its file is gone before it was looked at", async () => {
    const { client, look, create, upload, wait } = openStage({ batch: TIMES });
    const file = await upload(linesOf(1));
    const created = await create(file.id);
    await client.files.delete(file.id);
    wait(MINUTE_MS);
    const { status, errors } = await look(created);
    expect(status).toBe("failed");
    expect(errors?.data).toEqual([
      { code: "invalid_request", line: null, message: expect.stringContaining(file.id), param: "file_id" },
    ]);
  });
});

describe("a batch that is not done after 24 hours", () => {
  it("expires, with what was answered in its output and what was not in its errors", async () => {
    const { look, submit, results, wait, server } = openStage({ batch: { processingMs: 48 * HOUR_MS } });
    const created = await submit(linesOf(10));
    wait(24 * HOUR_MS - 1);
    expect((await look(created)).status).toBe("in_progress");
    wait(1);
    const batch = await look(created);
    expect(batch).toMatchObject({
      status: "expired",
      expired_at: created.expires_at,
      finalizing_at: null,
      completed_at: null,
      request_counts: { total: 10, completed: 5, failed: 0 },
    });
    const answered = await results(batch.output_file_id);
    const expired = await results(batch.error_file_id);
    const ids = [...answered, ...expired].map((line) => line.custom_id);
    expect(ids.sort()).toEqual(linesOf(10).map((line) => line.custom_id));
    expect(answered).toHaveLength(5);
    for (const line of expired) {
      expect(line).toMatchObject({ response: null, error: { code: "batch_expired" } });
    }
    expect(server.bill.requests).toBe(5);
  });

  it("may be one of several", async () => {
    const processingMs = (batch: number) => (batch === 1 ? Number.POSITIVE_INFINITY : 0);
    const { look, submit, wait } = openStage({ batch: { processingMs } });
    const [stalled, quick] = [await submit(linesOf(2)), await submit(linesOf(2, "other"))];
    expect((await look(quick)).status).toBe("completed");
    wait(24 * HOUR_MS);
    expect(await look(stalled)).toMatchObject({ status: "expired", output_file_id: null });
  });

  it("expires while its file is still being checked", async () => {
    const { look, submit, wait } = openStage({ batch: { validationMs: Number.POSITIVE_INFINITY } });
    const created = await submit(linesOf(1));
    wait(24 * HOUR_MS);
    expect(await look(created)).toMatchObject({
      status: "expired",
      output_file_id: null,
      error_file_id: null,
    });
  });
});

describe("a batch that is cancelled", () => {
  it("keeps what was answered, and names the others", async () => {
    const { client, look, submit, results, wait, server } = openStage({ batch: TIMES });
    const created = await submit(linesOf(10));
    wait(6 * MINUTE_MS);
    const cancelling = await client.batches.cancel(created.id);
    expect(cancelling).toMatchObject({ status: "cancelling", cancelling_at: at(6), cancelled_at: null });
    // A second call changes nothing.
    expect(await client.batches.cancel(created.id)).toEqual(cancelling);
    wait(2 * MINUTE_MS);
    const batch = await look(created);
    expect(batch).toMatchObject({
      status: "cancelled",
      cancelling_at: at(6),
      cancelled_at: at(8),
      completed_at: null,
      request_counts: { total: 10, completed: 5, failed: 0 },
    });
    expect(await results(batch.output_file_id)).toHaveLength(5);
    const others = await results(batch.error_file_id);
    expect(others).toHaveLength(5);
    expect(others[0]).toMatchObject({ response: null, error: { code: "batch_cancelled" } });
    expect(server.bill.requests).toBe(5);
    expect(await client.batches.cancel(created.id)).toEqual(batch);
  });

  it("may still be validating", async () => {
    const { client, look, submit, wait, server } = openStage({ batch: TIMES });
    const created = await submit(linesOf(10));
    await client.batches.cancel(created.id);
    wait(HOUR_MS);
    expect(await look(created)).toMatchObject({ status: "cancelled", output_file_id: null });
    expect(server.bill.requests).toBe(0);
  });

  it("cannot be when it is over", async () => {
    const { client, look, submit } = openStage();
    for (const [lines, status] of [
      [linesOf(1), "completed"],
      [["{}"], "failed"],
    ] as const) {
      const created = await submit(lines);
      expect((await look(created)).status).toBe(status);
      const cancelling = client.batches.cancel(created.id);
      await expect(cancelling).rejects.toBeInstanceOf(OpenAIClient.ConflictError);
      await expect(cancelling).rejects.toThrow(`Cannot cancel a batch with status '${status}'.`);
    }
  });

  it("is not found under an id that is none", async () => {
    const { client } = openStage();
    for (const call of [client.batches.retrieve("batch_none"), client.batches.cancel("batch_none")]) {
      await expect(call).rejects.toBeInstanceOf(OpenAIClient.NotFoundError);
    }
  });
});

const NEXT: Readonly<Record<BatchStatus, readonly BatchStatus[]>> = {
  validating: ["failed", "in_progress", "expired", "cancelling"],
  in_progress: ["finalizing", "expired", "cancelling"],
  finalizing: ["completed"],
  cancelling: ["cancelled"],
  failed: [],
  completed: [],
  expired: [],
  cancelled: [],
};

/** Whether the one can come after the other, over any number of states in between. */
const canBecome = (from: BatchStatus, to: BatchStatus): boolean =>
  from === to || NEXT[from].some((next) => canBecome(next, to));

const milliseconds = fc.oneof(fc.constant(0), fc.nat(30 * HOUR_MS));
const someTimes: fc.Arbitrary<OfflineBatchOptions> = fc.record({
  validationMs: milliseconds,
  processingMs: milliseconds,
  finalizingMs: milliseconds,
  cancellingMs: milliseconds,
  seed: fc.nat(100),
});

describe("whatever the times", () => {
  it("states only follow each other as they may, and every request ends in one place", async () => {
    const moves = fc.array(fc.record({ waitMs: milliseconds, cancels: fc.boolean() }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(someTimes, moves, fc.integer({ min: 1, max: 6 }), async (batch, steps, count) => {
        const { client, look, submit, results, wait, server } = openStage({ batch });
        const created = await submit(linesOf(count));
        let status: BatchStatus = created.status;
        const see = async () => {
          const seen = await look(created);
          expect(canBecome(status, seen.status)).toBe(true);
          status = seen.status;
          return seen;
        };
        for (const { waitMs, cancels } of steps) {
          wait(waitMs);
          const seen = await see();
          if (cancels && (seen.status === "validating" || seen.status === "in_progress")) {
            status = (await client.batches.cancel(created.id)).status;
          }
        }
        // In steps, as files that were put out long ago are gone.
        let last = await see();
        for (; NEXT[last.status].length > 0; last = await see()) wait(24 * HOUR_MS);
        expect(server.bill.requests).toBe(last.request_counts?.completed);
        const times = [last.created_at, last.in_progress_at, last.finalizing_at, last.completed_at].filter(
          (time) => time !== null && time !== undefined,
        );
        expect(times).toEqual([...times].sort((one, other) => one - other));
        const files = [last.output_file_id, last.error_file_id].filter((id) => typeof id === "string");
        const found = (await Promise.all(files.map(results))).flat().map((line) => line.custom_id);
        const all = linesOf(count).map((line) => line.custom_id);
        // Where the file was never looked at, nobody knows its requests.
        expect(found.sort()).toEqual(last.in_progress_at === null ? [] : all);
      }),
      { numRuns: 40 },
    );
  });

  it("looking changes nothing", async () => {
    const looks = fc.array(milliseconds, { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(someTimes, looks, async (batch, waits) => {
        const total = waits.reduce((sum, waitMs) => sum + waitMs, 0);
        const [watched, left] = [openStage({ batch }), openStage({ batch })];
        const seen = await watched.submit(linesOf(5));
        const unseen = await left.submit(linesOf(5));
        for (const waitMs of waits) {
          watched.wait(waitMs);
          await watched.look(seen);
        }
        left.wait(total);
        const [one, other] = [await watched.look(seen), await left.look(unseen)];
        expect(one).toEqual(other);
        expect([...watched.server.charges]).toEqual([...left.server.charges]);
        if (one.output_file_id === null) return;
        const [files, others] = [await watched.client.files.list(), await left.client.files.list()];
        expect(files.data).toEqual(others.data);
      }),
      { numRuns: 40 },
    );
  });
});
