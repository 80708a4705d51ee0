/** `dramatis store`, from arguments to exit codes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../src/cli/program.ts";
import { openStore } from "../../src/store/store.ts";
import { newStore } from "../store/new-store.ts";
import { planOnly } from "../store/sample-content.ts";
import { sampleTerminal } from "./sample-terminal.ts";

describe("dramatis store", () => {
  let folder = "";
  let place = "";
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "dramatis-store-"));
    place = await newStore(join(folder, "store"));
    const store = await openStore(place);
    await planOnly(store, { id: "a", conversations: 3 });
    await store.close();
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function run(...args: string[]) {
    const { terminal, written } = sampleTerminal({ env: { DRAMATIS_STORE: place }, columns: 80 });
    return { exit: await runCommand(["store", ...args], terminal), ...written };
  }

  it("shows what there is, for people and for programs", async () => {
    const { exit, stdout } = await run();
    expect(exit).toBe(0);
    expect(stdout).toMatch(/embedded, PGlite .* {2}tables of version \d+/);
    expect(stdout).toMatch(/1 run {2}3 conversations {2}3 waiting/);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    const json = JSON.parse((await run("info", "--json")).stdout);
    expect(json).toMatchObject({ engine: "pglite", place, runs: 1, byStatus: { waiting: 3 } });
    expect(json.directoryBytes).toBeGreaterThan(json.databaseBytes);
  });

  it("makes no store by looking for one", async () => {
    const { exit, stderr } = await run("check", "--store", join(folder, "nowhere"));
    expect(exit).toBe(1);
    expect(stderr).toContain("There is no store at");
  });

  it("backs up, restores, moves and vacuums, and each copy is sound", async () => {
    const backup = join(folder, "a.backup");
    const restored = join(folder, "restored");
    const moved = join(folder, "moved");
    expect(await run("backup", backup)).toMatchObject({ exit: 0, stdout: expect.stringContaining("MB") });
    expect((await run("backup", backup)).exit).toBe(1);
    expect((await run("restore", backup, "--store", restored)).exit).toBe(0);
    expect((await run("restore", backup, "--store", restored)).exit).toBe(1);
    const { exit, stdout } = await run("move", restored, moved);
    expect([exit, stdout]).toEqual([0, expect.stringContaining("3 conversations will go on there")]);
    expect((await run("move", restored, moved)).exit).toBe(1);
    expect(await run("vacuum", "--full", "--store", moved)).toMatchObject({ exit: 0 });
    expect(await run("check", "--store", moved)).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining("counts, sums and money agree"),
    });
  }, 60_000);

  it("ends with 2 where something is wrong, and says what", async () => {
    const store = await openStore(place);
    await store.sql.query("update dramatis.runs set held_nano_usd = 7");
    await store.close();
    const { exit, stdout } = await run("check");
    expect(exit).toBe(2);
    expect(stdout).toContain("✗ 1 runs hold another amount than their requests hold");
    const json = JSON.parse((await run("check", "--json")).stdout);
    expect(json).toMatchObject({ isSound: false, problems: [{ count: 1, examples: ["a"] }] });
  });
});
