/** A disk that fills up while a conversation is recorded costs the recording's end, not the conversation. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it, vi } from "vitest";
import { runCommand } from "../../src/cli/program.ts";
import { sampleTerminal } from "./sample-terminal.ts";

vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  return { ...fs, appendFileSync: vi.fn(fs.appendFileSync) };
});

const folder = mkdtempSync(join(tmpdir(), "dramatis-full-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("is said once, at the end, after everything else was shown and written", async () => {
  const write = vi.mocked(appendFileSync).getMockImplementation() ?? appendFileSync;
  let lines = 0;
  vi.mocked(appendFileSync).mockImplementation((...args) => {
    if (++lines > 3) throw new Error("ENOSPC: no space left on device");
    return write(...args);
  });
  const file = join(folder, "run.jsonl");
  const out = join(folder, "out");
  const { terminal, written } = sampleTerminal({ columns: 200 });
  const args = ["run", "product-roundtable", "--turns", "3", "--out", out, "--record", file];
  expect(await runCommand(args, terminal)).toBe(1);
  expect(written.stdout).toContain("── Completed: turn limit reached");
  expect(readFileSync(join(out, "transcript.md"), "utf8")).toContain("### 3 ·");
  expect(readFileSync(file, "utf8").trimEnd().split("\n")).toHaveLength(3);
  expect(written.stderr.match(/no space left/g)).toHaveLength(1);
  expect(written.stderr).toContain("The recording ends before the conversation.");
});
