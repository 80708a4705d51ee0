/** Runs from the command line on the embedded store: no server, one process at a time. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStore } from "../../src/store/store.ts";
import { openStage, type Stage } from "./simulate-stage.ts";

let stage: Stage;
const directory = () => join(stage.folder, "store");

beforeAll(async () => {
  stage = await openStage((folder) => join(folder, "store"));
});
afterAll(() => stage.close());

const simulate = (id: string, ...flags: string[]) =>
  stage.dramatis("simulate", stage.scenario, "--id", id, "--seed", "7", ...flags);

describe("where there is no store yet", () => {
  it("says so and how one is made, and makes none", async () => {
    const listed = await stage.dramatis("runs");
    expect(listed).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("There is no store at") });
    expect((await stage.dramatis("runs", "--json")).stdout).toBe("[]\n");
    expect(await stage.dramatis("show", "any")).toMatchObject({ exitCode: 1, stderr: listed.stdout });
  });
});

describe("a folder that is no store", () => {
  const commands = [
    ["runs"],
    ["show", "any"],
    ["status"],
    ["resume", "any"],
    ["retry", "any"],
    ["cancel", "any"],
    ["delete", "any", "--yes"],
    ["export", "any"],
    ["experiment", "results", "any"],
    ["store", "info"],
    ["store", "check"],
    ["store", "backup", "backup.tgz"],
    ["store", "vacuum"],
  ];

  it.each(commands)("is as it was after %s %s %s", async (...words) => {
    const work = join(stage.folder, "work");
    mkdirSync(work, { recursive: true });
    writeFileSync(join(work, "notes.txt"), "mine");
    const before = readdirSync(stage.folder);
    const args = words.filter((word) => word !== undefined);
    const { exitCode, stdout, stderr } = await stage.dramatis(...args, "--store", work);
    expect([exitCode, stdout + stderr]).toEqual([
      words[0] === "runs" ? 0 : 1,
      `There is no store at ${work}. It is made with the first run: dramatis simulate product-roundtable --runs 10 --store ${work}\n`,
    ]);
    expect([readdirSync(work), readdirSync(stage.folder)]).toEqual([["notes.txt"], before]);
  });

  it("is not filled with one by a run either", async () => {
    const work = join(stage.folder, "work");
    const { exitCode, stderr } = await simulate("any", "--store", work);
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringContaining("is not a store; name an empty or a new"),
    ]);
    expect(readdirSync(work)).toEqual(["notes.txt"]);
  });
});

describe("an embedded store", () => {
  it("gives back what Ctrl-C stopped, leaves it alone while another run goes on, and resumes it without paying again", async () => {
    stage.onAnswer = (count) => {
      if (count === 6) stage.press();
    };
    const stopped = await simulate("first", "--runs", "5", "--concurrency", "2");
    expect(stopped).toMatchObject({
      exitCode: 130,
      stderr: expect.stringContaining("Press Ctrl-C again to stop at once"),
      stdout: expect.stringContaining("dramatis resume first"),
    });
    stage.onAnswer = undefined;
    const { requests, costNanoUsd } = stage.server.bill;
    const first = await stage.json("show", "first");
    expect(first).toMatchObject({ requests, costNanoUsd, state: "waiting" });
    expect(first).toMatchObject({ inputTokens: null, cachedInputTokens: null, outputTokens: null });
    const summary = stopped.stdout.split("\n").find((line) => line.includes("requests"));
    expect(summary).toMatch(/\d turns? {2}\d requests {2}\$/);

    const second = JSON.parse((await simulate("second", "--json")).stdout);
    expect(second).toMatchObject({ state: "completed", requests: stage.server.bill.requests - requests });

    const over = await stage.json("resume", "first");
    expect(over).toMatchObject({ byStatus: { completed: 5 }, turns: 20 });
    const tokens = [over, second].map(({ inputTokens, outputTokens }) => [inputTokens, outputTokens]);
    const { inputTokens, outputTokens } = stage.server.bill;
    expect(tokens.reduce(([a = 0, b = 0], [c, d]) => [a + Number(c), b + Number(d)], [0, 0])).toEqual([
      inputTokens,
      outputTokens,
    ]);
    expect(Number(over.costNanoUsd) + second.costNanoUsd).toBe(stage.server.bill.costNanoUsd);
    expect(Number(over.requests) + second.requests).toBe(stage.server.bill.requests);
  }, 60_000);

  it("breaks off at the second Ctrl-C; what was on its way is bounded, not lost", async () => {
    const before = stage.server.bill.requests;
    let asked = 0;
    stage.onAnswer = () => {
      stage.press();
      asked += 1;
    };
    stage.server.script.next({ kind: "hang", billed: true, times: 2 });
    const ended = simulate("broken", "--runs", "2", "--max-cost", "1", "--json");
    await expect.poll(() => asked, { timeout: 20_000 }).toBe(2);
    const again = setInterval(() => stage.press(), 100);
    const { exitCode, stdout } = await ended;
    clearInterval(again);
    stage.onAnswer = undefined;
    expect(exitCode).toBe(130);
    const broken = JSON.parse(stdout);
    expect(broken).toMatchObject({ unpricedRequests: 2, costNanoUsd: 0, requests: 2 });
    expect(stage.server.bill.requests - before).toBe(2);
    expect(broken.unpricedBoundNanoUsd).toBeGreaterThan(0);
    expect(await stage.dramatis("resume", "broken")).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("2 requests of unknown cost, at most"),
    });
  }, 60_000);

  it("shows conversations as `run` does, and their records", async () => {
    const { stdout } = await stage.dramatis("show", "second-000001");
    expect(stdout).toContain("Ana Lund");
    expect(stdout).toContain("Completed: turn limit reached");
    expect(await stage.json("show", "second-000001")).toMatchObject({
      conversationId: "second-000001",
      seed: 7,
      status: "completed",
      usage: { totals: { requests: expect.any(Number) } },
    });
    const listed = await stage.dramatis("runs");
    expect(listed.stdout).toMatch(/first +completed +5 of 5/);
    // A pipe has no width to be cut to.
    const narrow = await stage.dramatisIn({ env: { DRAMATIS_STORE: directory() }, columns: 30 }, "runs");
    expect(narrow.stdout).toBe(listed.stdout);
  });

  it("says which runs it has by commands that carry the store's name", async () => {
    const address = `pglite:${directory()}`;
    const { exitCode, stderr } = await stage.dramatis("show", "elsewhere", "--store", address);
    expect([exitCode, stderr]).toEqual([
      1,
      `There is no run "elsewhere" in this store. List them: dramatis runs --store ${address}\n`,
    ]);
  });

  it("tells programs of a run that is cancelled and deleted", async () => {
    stage.onAnswer = (count) => {
      if (count > 1) stage.press();
    };
    expect(await simulate("gone", "--runs", "3", "--concurrency", "1")).toMatchObject({ exitCode: 130 });
    stage.onAnswer = undefined;
    expect(await stage.json("cancel", "gone")).toMatchObject({ run: "gone", state: "cancelled" });
    expect(await stage.json("cancel", "gone")).toMatchObject({ run: "gone", state: "cancelled" });
    expect(await stage.json("delete", "gone", "--yes")).toMatchObject({ run: "gone", conversations: 3 });
    expect(await stage.dramatis("show", "gone")).toMatchObject({ exitCode: 1 });
  }, 60_000);

  it("is not taken from the process that has it", async () => {
    const store = await openStore(directory());
    expect(await stage.dramatis("resume", "first")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(`in use by process ${process.pid}`),
    });
    await store.close();
  });

  it("refuses to mix what models said with what is generated", async () => {
    const { exitCode, stderr } = await stage.dramatisIn(
      { env: { DRAMATIS_STORE: directory(), DRAMATIS_VAULT: join(stage.folder, "no-vault") } },
      "resume",
      "first",
    );
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringContaining("now there is no key"),
    });
  });
});
