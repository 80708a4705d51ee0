/** Runs from the command line on a Postgres that many processes share: caps, failures, cancelling, two at once. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { deleteSimulation } from "../../src/fleet/run-ends.ts";
import { createRun } from "../../src/store/runs.ts";
import { openStore } from "../../src/store/store.ts";
import { type PostgresServer, startPostgres } from "../store/postgres-server.ts";
import { openStage, type Stage } from "./simulate-stage.ts";

let postgres: PostgresServer;
let stage: Stage;

beforeAll(async () => {
  postgres = await startPostgres();
  const database = await postgres.database();
  stage = await openStage(() => database);
}, 60_000);
afterAll(async () => {
  await stage.close();
  await postgres.stop();
}, 60_000);

/** What the server charged since the last test. */
let before = { requests: 0, costNanoUsd: 0 };
beforeEach(() => {
  stage.onAnswer = undefined;
  stage.server.script.clear();
  before = stage.server.bill;
});
const charged = () => ({
  requests: stage.server.bill.requests - before.requests,
  costNanoUsd: stage.server.bill.costNanoUsd - before.costNanoUsd,
});
const simulate = (id: string, ...flags: string[]) =>
  stage.dramatis("simulate", stage.scenario, "--id", id, "--runs", "4", "--seed", "7", ...flags);

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}

describe("dramatis simulate", () => {
  it("holds every conversation, at what the server charged, and does nothing when it is asked again", async () => {
    const first = await simulate("whole");
    expect(first).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("Completed: whole") });
    expect(first.stderr).toContain("whole: 4 conversations, 10 at a time, seeds from 7; network: 127.0.0.1");
    expect(first.stdout).toContain("dramatis show whole");
    const whole = await stage.json("show", "whole");
    expect(whole).toMatchObject({ ...charged(), turns: 16, byStatus: { completed: 4 } });
    const paid = charged();
    const second = await simulate("whole");
    expect(second).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("nothing is missing") });
    expect(charged()).toEqual(paid);
  });

  it.each([
    [["--turns", "3"], "the setting maxTurns is null there, asked was 3"],
    [["--runs", "5"], "it has 4 conversations, asked were 5"],
    [["--seed", "8"], "its seed is 7, asked was 8"],
    [["--max-cost", "1"], "it has no cap, asked was a cap of $1.0000"],
  ])("refuses %j under the id of another run, and says what differs", async (flags, difference) => {
    const { exitCode, stderr } = await simulate("whole", ...flags);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining(difference) });
    expect(charged().requests).toBe(0);
  });

  it("takes no run of no conversations, and no model nobody has", async () => {
    expect(await simulate("none", "--runs", "0")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("from 1 to 1000000"),
    });
    expect(await simulate("none", "--model", "gpt-nil")).toMatchObject({ exitCode: 1 });
    expect(await stage.dramatis("show", "none")).toMatchObject({ exitCode: 1 });
  });
});

describe("what no conversation can be blamed for", () => {
  it("ends the work, says why, and leaves the rest of the run to go on", async () => {
    const catalog = join(stage.folder, "models.yaml");
    writeFileSync(
      catalog,
      "models:\n  unpriced: { contextWindow: 128000, maxOutput: 16384, encoding: o200k_base, structured: json-schema }\n",
    );
    const flags = ["--concurrency", "1", "--model", "unpriced", "--catalog", catalog, "--max-cost", "1"];
    expect(await simulate("unpriced", ...flags)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("Model unpriced has no price in the catalog"),
    });
    const { byStatus, requests } = await stage.json("status", "unpriced");
    const { failed = 0, waiting = 0, ...others } = byStatus as Record<string, number>;
    expect({ all: failed + waiting, others, requests }).toEqual({ all: 4, others: {}, requests: 0 });
    expect(failed).toBeGreaterThanOrEqual(1);
    expect(await stage.dramatis("show", "unpriced")).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("Failed: error"),
    });
    expect(await stage.dramatis("show", "unpriced-000001")).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/it could not begin\. Model unpriced has no price in the catalog/),
    });
    expect(await stage.dramatis("delete", "unpriced", "--yes")).toMatchObject({ exitCode: 0 });
    expect(charged().requests).toBe(0);
  });
});

describe("a cap", () => {
  it("ends a run with 3; resume with a higher one pays nothing again", async () => {
    const capped = await simulate("capped", "--max-cost", "0.002");
    expect(capped).toMatchObject({ exitCode: 3, stdout: expect.stringContaining("at the cap") });
    expect(charged().costNanoUsd).toBeLessThanOrEqual(2_000_000);
    expect(await stage.json("show", "capped")).toMatchObject(charged());
    const paid = charged();

    expect(await stage.dramatis("resume", "capped")).toMatchObject({ exitCode: 3 });
    expect(await stage.dramatis("resume", "capped", "--max-cost", "0.000000001")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("already"),
    });
    expect(charged()).toEqual(paid);

    expect(await stage.dramatis("resume", "capped", "--max-cost", "1")).toMatchObject({ exitCode: 0 });
    const over = await stage.json("show", "capped");
    expect(over).toMatchObject({ ...charged(), turns: 16, byStatus: { completed: 4 } });
    const whole = await stage.json("show", "whole");
    expect(charged().requests).toBe(whole.requests);
  });

  it("is not made up for a run without one", async () => {
    expect(await stage.dramatis("resume", "whole", "--max-cost", "1")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("has no cap of its own"),
    });
  });
});

describe("dramatis retry", () => {
  it("asks again what failed, and that alone", async () => {
    stage.onAnswer = (count) => {
      if (count % 9 === 0) stage.server.script.next({ kind: "quota" });
    };
    const failed = await simulate("failing", "--concurrency", "2");
    expect(failed).toMatchObject({
      exitCode: 2,
      stdout: expect.stringMatching(/failed \(\d quota-exhausted\)/),
    });
    stage.onAnswer = undefined;
    stage.server.script.clear();
    const paid = charged();
    expect(await stage.json("show", "failing")).toMatchObject({ costNanoUsd: paid.costNanoUsd });
    expect(await stage.dramatis("simulate", stage.scenario, "--id", "failing", "--runs", "4")).toMatchObject({
      exitCode: 2,
    });
    expect(charged()).toEqual(paid);

    expect(await stage.dramatis("retry", "failing")).toMatchObject({ exitCode: 0 });
    const over = await stage.json("show", "failing");
    expect(over).toMatchObject({ ...charged(), turns: 16, byStatus: { completed: 4 } });
    expect(charged().requests).toBe((await stage.json("show", "whole")).requests);
    expect((await stage.dramatis("retry", "failing")).stderr).toContain("No conversation failed");
  });
});

describe("dramatis cancel", () => {
  it("stops what another process holds after its turn and keeps it; resume goes on from there", async () => {
    let cancelled: Promise<unknown> | undefined;
    stage.onAnswer = () => {
      cancelled ??= stage.dramatis("cancel", "long");
    };
    const flags = ["--turns", "400", "--concurrency", "2"];
    const { exitCode, stdout } = await simulate("long", ...flags);
    expect({ exitCode, stdout }).toEqual({
      exitCode: 130,
      stdout: expect.stringContaining("Cancelled: long"),
    });
    expect(await cancelled).toMatchObject({
      stdout: expect.stringMatching(/will not be begun or go on, \d under way end after their turn/),
    });
    const long = await stage.json("show", "long");
    expect(long).toMatchObject({ ...charged(), state: "cancelled", byStatus: { cancelled: 4 } });
    const record = await stage.json("show", "long-000001");
    expect(record).toMatchObject({ status: "interrupted", ending: { kind: "abort" } });
    expect((record.turns as unknown[]).length).toBeGreaterThan(0);

    stage.onAnswer = (count) => {
      if (count % 12 === 0) stage.press();
    };
    expect(await stage.dramatis("resume", "long", "--concurrency", "2")).toMatchObject({
      exitCode: 130,
      stderr: expect.stringContaining("Stopping"),
      stdout: expect.stringContaining("dramatis resume long"),
    });
    stage.onAnswer = undefined;
    expect(await stage.json("status", "long")).toMatchObject({ ...charged(), state: "waiting" });
    expect((await stage.dramatis("status")).stdout).toContain("long");
    expect(await stage.dramatis("cancel", "long")).toMatchObject({ exitCode: 0 });
    expect((await stage.dramatis("cancel", "long")).stdout).toContain("is over");
    expect(await stage.json("status", "long")).toMatchObject(charged());
  }, 60_000);
});

describe("two processes", () => {
  it("share a run, and each ends when the run is over", async () => {
    const [one, other] = await Promise.all([
      simulate("shared", "--concurrency", "2"),
      simulate("shared", "--concurrency", "2"),
    ]);
    expect([one.exitCode, other.exitCode]).toEqual([0, 0]);
    expect(await stage.json("show", "shared")).toMatchObject({ ...charged(), byStatus: { completed: 4 } });
  });
});

describe("runs that wait beside", () => {
  it("are named, with the way to keep them from being held", async () => {
    const database = stage.address;
    const store = await openStore(database);
    for (const id of ["beside", "also-beside"]) {
      const conversations = [0, 1].map((position) => ({ id: `${id}-${position}`, position, settings: {} }));
      const run = { id, scenario: "two-people", definition: {}, maxCostNanoUsd: undefined, conversations };
      // Without a job: nobody takes them.
      await createRun(store.sql, run);
    }
    const two = await simulate("main");
    expect(two.stderr).toContain(
      "Conversations of 2 other runs wait in this store, and this process may take some of them as well: also-beside (2), beside (2). So that nobody does: dramatis cancel <run>\n",
    );
    await stage.dramatis("cancel", "also-beside");
    const one = await simulate("second", "--store", database);
    expect(one.stderr).toContain(
      `1 other run wait in this store, and this process may take some of them as well: beside (2). So that nobody does: dramatis cancel beside --store ${database}\n`,
    );
    for (const id of ["beside", "also-beside", "main", "second"]) await deleteSimulation(store, id);
    await store.close();
  });
});

describe("an id", () => {
  it.each([
    ["whole-00002", "Did you mean whole-000002"],
    ["whloe", "Did you mean whole?"],
    ["x", "List them: dramatis runs"],
  ])("of nothing, %s, is answered with what was meant", async (id, hint) => {
    const { exitCode, stderr } = await stage.dramatis("show", id);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining(hint) });
  });
});

describe("dramatis status --watch", () => {
  it("goes on until the run is over, while another process works on it", async () => {
    const [worked, watched] = await Promise.all([
      simulate("watched"),
      until(async () => (await stage.dramatis("show", "watched")).exitCode === 0).then(() =>
        stage.dramatis("status", "watched", "--watch"),
      ),
    ]);
    expect(worked.exitCode).toBe(0);
    expect(watched).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("Completed: watched") });
    expect((await stage.dramatis("status")).stdout).toBe("No run is under way or waits.\n");
  });
});

describe("dramatis delete", () => {
  it("deletes a run once that is confirmed, also from the queue", async () => {
    const asked = await stage.dramatis("delete", "shared");
    expect(asked).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("4 conversations with 16 turns"),
    });
    expect(await stage.dramatis("delete", "shared", "--yes")).toMatchObject({ exitCode: 0 });
    expect((await stage.dramatis("runs")).stdout).not.toContain("shared");
    expect(await stage.dramatis("show", "shared-000001")).toMatchObject({ exitCode: 1 });
    expect(await simulate("shared")).toMatchObject({ exitCode: 0 });
    expect(await stage.json("show", "shared")).toMatchObject(charged());
  });
});
