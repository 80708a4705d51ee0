/** What is dropped when all files together are too large. */
import { describe, expect, it } from "vitest";
import { createStoredFiles } from "../../../src/offline/batch/stored-files.ts";
import { HOUR_MS, linesOf, openStage } from "./stage.ts";

describe("files beyond the memory", () => {
  const open = () => {
    let now = 0;
    const files = createStoredFiles({ clock: () => now, mark: "x", memoryBytes: 100 });
    const add = (bytes: number, purpose: "batch" | "batch_output" = "batch") =>
      files.add({
        filename: "x.jsonl",
        purpose,
        content: new Uint8Array(bytes),
        createdMs: now,
        expiresAfterSeconds: 3600,
      }).id;
    const kept = () => files.list({ order: "asc" }).data.map(({ id }) => id);
    return {
      files,
      add,
      kept,
      wait(milliseconds: number) {
        now += milliseconds;
      },
    };
  };
  const spend = (files: ReturnType<typeof open>["files"], id: string) => {
    files.hold(id);
    files.release(id);
  };

  it("go in the order of use: inputs that are done with, then outputs, the oldest first", () => {
    const { files, add, kept } = open();
    const output = add(30, "batch_output");
    const [spent, fresh] = [add(30), add(30)];
    spend(files, spent);
    const next = add(40);
    expect(kept()).toEqual([output, fresh, next]);
    const last = add(30);
    expect(kept()).toEqual([fresh, next, last]);
  });

  it("stay where a batch is still at them, and an upload beside them is refused", () => {
    const { files, add, kept } = open();
    const shared = add(60);
    files.hold(shared);
    files.hold(shared);
    files.release(shared);
    expect(() => add(50)).toThrow("The offline server keeps 100 bytes of files.");
    expect(kept()).toEqual([shared]);
    files.release(shared);
    const next = add(50);
    expect(kept()).toEqual([next]);
  });

  it("give way when they expire", () => {
    const { add, kept, wait } = open();
    add(90);
    wait(HOUR_MS);
    const next = add(90);
    expect(kept()).toEqual([next]);
  });

  it("do not keep a batch from putting out what it has", () => {
    const { add, kept } = open();
    const ids = [add(90), add(200, "batch_output")];
    expect(kept()).toEqual(ids);
  });

  it("are counted down when they are deleted", () => {
    const { files, add, kept } = open();
    files.delete(add(90));
    files.delete("file-none");
    const next = add(90);
    expect(kept()).toEqual([next]);
    files.clear();
    expect([kept(), kept().concat(add(100)).length]).toEqual([[], 1]);
  });
});

describe("a server's memory", () => {
  it("forgets inputs of batches that are over, and never those of the others", async () => {
    const lines = linesOf(20);
    const bytes = new TextEncoder().encode(JSON.stringify(lines)).byteLength;
    const { client, look, submit, upload, wait } = openStage({
      memory: { fileBytes: 3 * bytes },
      batch: { processingMs: 1000 },
    });
    const first = await submit(lines);
    const waiting = await upload(lines);
    wait(1000);
    const { status, output_file_id: output } = await look(first);
    expect(status).toBe("completed");
    const second = await submit(lines);
    const kept = (await client.files.list({ order: "asc" })).data.map(({ id }) => id);
    expect(kept).not.toContain(first.input_file_id);
    expect(kept).toContain(waiting.id);
    expect(kept).toContain(second.input_file_id);
    expect((await client.files.list({ purpose: "batch_output" })).data.map(({ id }) => id)).toEqual(
      kept.includes(output ?? "") ? [output] : [],
    );
  });

  it("forgets the oldest batches that are over, and never one that is not", async () => {
    const processingMs = (batch: number) => (batch === 1 ? HOUR_MS : 0);
    const { client, submit, look } = openStage({ memory: { batches: 3 }, batch: { processingMs } });
    const made = [];
    for (let count = 0; count < 5; count++) {
      const created = await submit(linesOf(1, `wave-${count}`));
      await look(created);
      made.push(created.id);
    }
    const kept = (await client.batches.list()).data.map(({ id }) => id);
    expect(kept).toEqual([made[4], made[3], made[0]]);
  });

  it("is empty after a reset", async () => {
    const { client, server, submit, look } = openStage();
    await look(await submit(linesOf(2)));
    await look(await submit(linesOf(2)));
    expect(server.batches.repeatedCustomIds).toHaveLength(2);
    server.reset();
    expect((await client.batches.list()).data).toEqual([]);
    expect((await client.files.list()).data).toEqual([]);
    expect(server.batches.repeatedCustomIds).toEqual([]);
    const again = await submit(linesOf(2));
    expect(again.id).toMatch(/_000003$/);
    expect((await look(again)).status).toBe("completed");
    expect(server.batches.repeatedCustomIds).toEqual([]);
  });
});
