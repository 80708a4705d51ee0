/** `dramatis export`: what stands in files and on standard output, and what is said of what does not. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openFile } from "../../src/cli/export-file.ts";
import { runCommand } from "../../src/cli/program.ts";
import { openStore } from "../../src/store/store.ts";
import { brokenRules } from "../report/fine-tuning-rules.ts";
import { sampleTurn } from "../report/sample-record.ts";
import { newStore } from "../store/new-store.ts";
import { storeRun } from "../store/stored-run.ts";
import { type SampleTerminalOptions, sampleTerminal } from "./sample-terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "dramatis-export-"));
const address = join(folder, "store");
const out = join(folder, "turns.out");

beforeAll(async () => {
  const store = await openStore(await newStore(address));
  const formula = sampleTurn({ message: '=HYPERLINK("x")', speaker: "lin-wei" });
  await storeRun(store, "run", [
    { record: {} },
    { record: { status: "failed", ending: { kind: "unreachable", evidence: "Turn 3." } } },
    { record: { turns: [formula], transport: "network" } },
    { record: undefined },
  ]);
  await store.close();
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function exported(args: string[], options: SampleTerminalOptions = {}) {
  const { terminal, written } = sampleTerminal({ env: { DRAMATIS_STORE: address }, ...options });
  const code = await runCommand(["export", ...args], terminal);
  return { code, ...written };
}
const linesOf = (text: string) => text.trimEnd().split("\n");

it("prints a line of JSON a turn, and says on standard error what is left out and what no model wrote", async () => {
  const { code, stdout, stderr } = await exported(["run"]);
  expect(code).toBe(0);
  const rows = linesOf(stdout).map((line) => JSON.parse(line));
  expect(rows.map(({ conversation, turn }) => `${conversation} ${turn}`)).toEqual([
    ...["run-1 1", "run-1 2", "run-1 4", "run-1 5", "run-3 1"],
  ]);
  expect(rows[0]).toMatchObject({
    arm: null,
    cost_nano_usd: 85_600,
    cost_usd: "0.000085600",
    tool_calls: [],
  });
  expect(linesOf(stderr)).toEqual([
    "5 turns of 2 conversations.",
    "Left out: 1 failed, 1 waiting. Add them with --include failed,waiting.",
    "Generated offline, not by a model: 1 conversation.",
  ]);
});

it("writes one row a conversation, failed ones where they are asked for", async () => {
  const { code, stderr } = await exported([
    ...["run", "--level", "conversation", "--include", "all", "--out", out],
  ]);
  expect(code).toBe(0);
  const rows = linesOf(readFileSync(out, "utf8")).map((line) => JSON.parse(line));
  expect(rows.map(({ status, turns }) => [status, turns])).toEqual([
    ["completed", 4],
    ["failed", 4],
    ["completed", 1],
    ["waiting", null],
  ]);
  expect(stderr).toContain(`${out}: 4 rows of 4 conversations.`);
  expect(stderr).not.toContain("Left out");
});

it("writes CSV that no spreadsheet runs, unless that is switched off", async () => {
  const guarded = await exported(["run", "--format", "csv"]);
  expect(linesOf(guarded.stdout)[0]).toMatch(/^run,conversation,position,arm,seed,.*,duration_ms\r$/);
  expect(guarded.stdout).toContain(`"'=HYPERLINK(""x"")"`);
  expect(guarded.stderr).toContain("1 text got an apostrophe in front");
  const raw = await exported(["run", "--format", "csv", "--no-formula-guard"]);
  expect(raw.stdout).toContain(`,"=HYPERLINK(""x"")"`);
  expect(raw.stderr).not.toContain("apostrophe");
});

it("writes Parquet to a file only, in the place of what was there", async () => {
  writeFileSync(out, "old");
  const nowhere = await exported(["run", "--format", "parquet"]);
  expect(nowhere.code).toBe(1);
  expect(nowhere.stderr).toContain("--out");
  expect((await exported(["run", "--format", "parquet", "--out", out])).code).toBe(0);
  const rows = await parquetReadObjects({ file: new Uint8Array(readFileSync(out)).buffer });
  expect(rows).toHaveLength(5);
  expect(rows[1]).toMatchObject({
    position: 0n,
    cost_nano_usd: 4_648_000n,
    cost_usd: "0.004648000",
    citations: ["load-tests#2", "beta-usage#1"],
    started_at: new Date("2026-03-02T09:00:01.000Z"),
    wants_to_conclude: false,
  });
});

it("writes training examples by the provider's rules, and says when they are too few for it", async () => {
  const { stdout, stderr } = await exported(["run", "--format", "chat"]);
  const examples = linesOf(stdout).map((line) => JSON.parse(line));
  expect(examples).toHaveLength(4);
  expect(examples.flatMap(brokenRules)).toEqual([]);
  expect(stderr).toContain("10 examples or more");
  const one = await exported(["run", "--format", "chat", "--persona", "tomas-berg"]);
  expect(linesOf(one.stdout)).toHaveLength(1);
});

it.each([
  { args: ["other"], words: "no run" },
  { args: ["run", "--persona", "tomas"], words: "tomas-berg" },
  { args: ["run", "--include", "lost"], words: "failed, interrupted" },
  { args: ["run", "--format", "chat", "--level", "turn"], words: "--level" },
  { args: ["run", "--level", "conversation", "--persona", "tomas-berg"], words: "--persona" },
])("refuses $args, and leaves a file as it was", async ({ args, words }) => {
  writeFileSync(out, "old");
  const { code, stderr } = await exported([...args, "--out", out]);
  expect(code).toBe(1);
  expect(stderr).toContain(words);
  expect(readFileSync(out, "utf8")).toBe("old");
  expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([]);
});

it("stops at Ctrl-C, and leaves no part of a file", async () => {
  let interrupt: (() => void) | undefined;
  const { terminal, written } = sampleTerminal({ env: { DRAMATIS_STORE: address } });
  const pressing = {
    ...terminal,
    onInterrupt(listener: (cause: "signal") => void) {
      interrupt = () => listener("signal");
      interrupt();
      return () => undefined;
    },
  };
  writeFileSync(out, "old");
  expect(await runCommand(["export", "run", "--out", out], pressing)).toBe(130);
  expect(written.stderr).toBe("Stopped. No file was written.\n");
  expect(readFileSync(out, "utf8")).toBe("old");
});

it("shows a terminal nothing that it would obey", async () => {
  const store = await openStore(address);
  await storeRun(store, "escape", [{ record: { turns: [sampleTurn({ message: "red \u001b[31m" })] } }]);
  await store.close();
  const csv = ["escape", "--format", "csv"];
  expect((await exported(csv)).stdout).toContain("\u001b[31m");
  expect((await exported(csv, { rows: 24 })).stdout).toContain("red ␛[31m");
});

it.each([
  ["turns.csv", [], /^"?run/],
  ["TURNS.CSV", ["--format", "csv"], /^"?run/],
  ["turns.parquet", [], /^PAR1/],
  ["turns.jsonl", [], /^\{"run":/],
  ["turns.jsonl", ["--format", "chat"], /^\{"messages":/],
  ["turns.data", ["--format", "csv"], /^"?run/],
  ["turns.data", [], /^\{"run":/],
])("writes %s with %j as it is called", async (name, flags, beginning) => {
  const file = join(folder, name);
  expect((await exported(["run", "--out", file, ...flags])).code).toBe(0);
  expect(readFileSync(file, "latin1")).toMatch(beginning);
  rmSync(file);
});

it.each([
  ["turns.csv", "jsonl", "*.jsonl"],
  ["turns.csv", "chat", "*.jsonl"],
  ["turns.jsonl", "parquet", "*.parquet"],
])("refuses to write %s as %s", async (name, format, called) => {
  const file = join(folder, name);
  const { code, stderr } = await exported(["run", "--out", file, "--format", format]);
  expect([code, stderr]).toEqual([1, expect.stringContaining(`Call it ${called}, or leave --format out`)]);
  expect(existsSync(file)).toBe(false);
});

it("puts a file beside, whoever left something there, and says so where another takes its place", async () => {
  const file = join(folder, "beside");
  const part = join(folder, ".beside.part");
  const victim = join(folder, "victim");
  writeFileSync(victim, "mine");
  symlinkSync(victim, part);
  const first = await openFile(file);
  await first.write("first");
  expect(existsSync(file)).toBe(false);
  const second = await openFile(file);
  await second.write("second");
  await expect(first.finish()).rejects.toMatchObject({ code: "write-failed" });
  await first.discard();
  await second.finish();
  expect(readFileSync(file, "utf8")).toBe("second");
  expect(readFileSync(victim, "utf8")).toBe("mine");
  mkdirSync(join(folder, "a-folder"));
  await expect(openFile(join(folder, "a-folder"))).rejects.toMatchObject({ code: "write-failed" });
});

it("says that the disk is full, and where else the export may go", async () => {
  const full = await openFile("/dev/full");
  await expect(full.write("much")).rejects.toMatchObject({
    code: "write-failed",
    message: expect.stringMatching(/dev\/full.*no space left.*--out/i),
  });
  await full.discard();
});

it("writes into a device as it comes", async () => {
  const device = await openFile("/dev/null");
  await device.write("gone");
  await device.finish();
  await device.discard();
  expect(existsSync("/dev/.null.part")).toBe(false);
});
