/** A conversation that breaks off keeps what was said and paid. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import type { Dramatis } from "../../src/app.ts";
import { runCommand } from "../../src/cli/program.ts";
import { ConversationError } from "../../src/domain/conversation-error.ts";
import { sampleRecord } from "../report/sample-record.ts";
import { sampleTerminal } from "./sample-terminal.ts";

const KEY = "own-key-0123456789";
const broken = sampleRecord({
  status: "failed",
  ending: { kind: "error", evidence: "no such thing" },
  turns: sampleRecord().turns.slice(0, 2),
});

vi.mock("../../src/app.ts", async (original) => {
  const app = await original<typeof import("../../src/app.ts")>();
  const run: Dramatis["run"] = async () => {
    throw new ConversationError(broken, new TypeError(`no such thing as ${KEY}`));
  };
  return { ...app, openDramatis: async () => ({ ...(await app.openDramatis({ env: {} })), run }) };
});

const folder = mkdtempSync(join(tmpdir(), "dramatis-broken-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(...flags: string[]) {
  const { terminal, written } = sampleTerminal({ env: { OPENAI_API_KEY: KEY } });
  const exitCode = await runCommand(["run", "product-roundtable", "--out", folder, ...flags], terminal);
  return { exitCode, ...written };
}

describe("a conversation that broke off", () => {
  it("is written, shown to its end and explained, and exits with 2", async () => {
    const { exitCode, stdout, stderr } = await run();
    expect(exitCode).toBe(2);
    expect(JSON.parse(readFileSync(join(folder, "conversation.json"), "utf8"))).toEqual(broken);
    expect(stdout).toContain("── Failed ─");
    expect(stdout).toContain("transcript.md");
    expect(stderr).toMatch(/^The conversation broke off after 2 turns\./);
    expect(stderr).toMatch(/TypeError: no such thing as \[key removed\]\n +at /);
  });

  it("is one JSON object all the same", async () => {
    const { exitCode, stdout } = await run("--json");
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ status: "failed", turns: [{ turn: 1 }, { turn: 2 }] });
  });
});
