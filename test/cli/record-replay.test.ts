/** `--record`, `--replay` and `--cache` as they are typed. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runCommand } from "../../src/cli/program.ts";
import { sampleTerminal } from "./sample-terminal.ts";

const root = join(import.meta.dirname, "../..");
const SCENARIO = join(root, "scenarios/product-roundtable.yaml");
const folder = mkdtempSync(join(tmpdir(), "dramatis-replay-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let made = 0;
const fresh = () => join(folder, String(++made));

async function run(args: string[], env: Record<string, string> = {}) {
  const { terminal, written } = sampleTerminal({ env, columns: 200 });
  const out = fresh();
  const exitCode = await runCommand(["run", SCENARIO, "--out", out, ...args], terminal);
  return { exitCode, out, ...written };
}

/** Without what differs from run to run: ids and times. */
const lasting = (text: string) =>
  text
    .replaceAll(/product-roundtable-\d{8}-\d{6}-[0-9a-f]{10}/g, "ID")
    .replaceAll(/ · started \S+( · took [\d.a-z ]+)?/g, "")
    .replaceAll(/"startedAt":"[^"]*","durationMs":\d+/g, "");

describe("a recorded run", () => {
  it("is replayed without any other flag, key or network, to the same transcript and messages", async () => {
    const file = fresh();
    const recorded = await run(["--seed", "7", "--turns", "12", "--record", file]);
    expect(recorded).toMatchObject({ exitCode: 0, stderr: "" });
    expect(recorded.stdout).toContain(file);
    const env = { OPENAI_API_KEY: "sk-proj-MARKED0123456789", OPENAI_BASE_URL: "http://127.0.0.1:9/v1" };
    const replayed = await run(["--replay", file], env);
    expect(replayed).toMatchObject({ exitCode: 0, stderr: "" });
    for (const name of ["transcript.md", "messages.jsonl"]) {
      const [before, after] = [recorded, replayed].map(({ out }) =>
        lasting(readFileSync(join(out, name), "utf8")),
      );
      expect(after).toBe(before);
    }
    expect(replayed.stdout).toContain(`replay of ${file}: answers were recorded, nothing is charged; seed 7`);
    expect(replayed.stdout).toContain(
      "Replayed: no model was asked and nothing was charged; costs are those of",
    );
    const files = readdirSync(replayed.out).map((name) => readFileSync(join(replayed.out, name), "utf8"));
    expect([...files, replayed.stdout].join()).not.toContain("MARKED");
  });

  it("agrees with flags that say the same, and refuses others before anything is written", async () => {
    const file = fresh();
    await run(["--seed", "3", "--turns", "2", "--record", file, "--quiet"]);
    const same = await run(["--seed", "3", "--turns", "2", "--replay", file, "--json"]);
    expect(JSON.parse(same.stdout)).toMatchObject({
      transport: "replay",
      isCharged: false,
      seed: 3,
      offline: null,
    });
    const other = await run(["--turns", "5", "--replay", file]);
    expect(other.exitCode).toBe(1);
    expect(other.stderr).toMatch(/the limit of turns is 5, but .* was recorded with 2\. Leave it out/);
    expect(other.stdout).toBe("");
    const both = await run(["--replay", file, "--record", fresh()]);
    expect(both).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("cannot be used with") });
  });

  it("that differs ends as failed, shows where, and exits with 2", async () => {
    const file = fresh();
    await run(["--seed", "3", "--turns", "2", "--record", file, "--quiet"]);
    // A run that began otherwise: its first request says so.
    writeFileSync(file, readFileSync(file, "utf8").replace('"seed":3,"context"', '"seed":4,"context"'));
    const replayed = await run(["--replay", file]);
    expect(replayed.exitCode).toBe(2);
    const words = replayed.stdout.replaceAll(/\s+/g, " ");
    expect(words).toContain("── Failed");
    expect(words).toMatch(
      /turn 1, request for a turn of [a-z-]+: it differs from the recorded one at seed recorded: 3 now: 4/,
    );
  });
});

describe("a recording that cannot be made or read", () => {
  it("is said before anything is paid", async () => {
    const unwritable = await run(["--record", join(folder, "missing", "run.jsonl")]);
    expect(unwritable).toMatchObject({ exitCode: 1, stdout: "" });
    expect(unwritable.stderr).toMatch(/Cannot write the recording .*ENOENT/);
    expect(existsSync(unwritable.out)).toBe(false);
    const file = fresh();
    writeFileSync(file, '{"kind":"header"}\nhello\n');
    const unreadable = await run(["--replay", file]);
    expect(unreadable).toMatchObject({ exitCode: 1, stdout: "" });
    expect(unreadable.stderr).toMatch(/1 +\(whole file\) +expected a recording made with --record/);
  });

  it("keeps its name free when the run itself is refused", async () => {
    const file = fresh();
    const refused = await run(["--record", file, "--model", "gpt-none"]);
    expect(refused.exitCode).toBe(1);
    expect((await run(["--record", file, "--turns", "1", "--quiet"])).exitCode).toBe(0);
  });
});

it("a run with a cache says nothing of it where nothing was asked twice", async () => {
  const { exitCode, stdout } = await run(["--cache", "--turns", "2", "--quiet"]);
  expect(exitCode).toBe(0);
  expect(stdout).not.toContain("from the cache");
});
