/** `dramatis limits` over the wire: a server that tells an admin key what a project may ask. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadCatalog } from "../../src/catalog/catalog.ts";
import { runCommand } from "../../src/cli/program.ts";
import { formatLong } from "../../src/cli/screen/limits.ts";
import type { Listening } from "../../src/offline/listen.ts";
import { createOfflineServer } from "../../src/offline/server.ts";
import { sampleTerminal } from "./sample-terminal.ts";
import { TWO_PEOPLE } from "./two-people.ts";

const ADMIN = "sk-admin-MARKED0123456789";
const folder = mkdtempSync(join(tmpdir(), "dramatis-limits-"));
const file = join(folder, "two-people.yaml");
const offline = createOfflineServer({
  models: [...loadCatalog().models.values(), { ...loadCatalog().model("gpt-5"), id: "own-tune" }],
  adminKey: ADMIN,
  projectId: "proj_abc",
  rateLimit: { requestsPerMinute: 500, tokensPerMinute: 30_000 },
  rateLimits: {
    "gpt-4.1": {
      requestsPerMinute: 60,
      tokensPerMinute: 1e9,
      requestsPerDay: 10_000,
      batchTokensPerDay: 900_000,
    },
  },
});
let server: Listening;
beforeAll(async () => {
  writeFileSync(file, TWO_PEOPLE);
  server = await offline.listen();
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function limits(args: string[], env: Record<string, string> = {}, columns = 100) {
  const { terminal, written } = sampleTerminal({
    columns,
    env: {
      OPENAI_ADMIN_BASE_URL: `${server.url}/v1`,
      OPENAI_ADMIN_KEY: ADMIN,
      OPENAI_PROJECT_ID: "proj_abc",
      DRAMATIS_VAULT: join(folder, "keys.json"),
      ...env,
    },
  });
  const exitCode = await runCommand(["limits", ...args], terminal);
  return { exitCode, ...written };
}

describe("the limits of a project", () => {
  it("are listed by model of the catalog, with those of a day and of batches where they are told", async () => {
    const { exitCode, stdout, stderr } = await limits([]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(/gpt-4\.1 +60 +1,000,000,000 +10,000 +900,000\n/);
    expect(stdout).toMatch(/o3 +500 +30,000 +– +–\n/);
    expect(stdout).not.toContain("own-tune");
    expect(stdout).toMatch(/Limits of project proj_abc.* 1 model that the catalog does not know: --all/);
    expect((await limits(["--all"])).stdout).toMatch(/own-tune +500/);
  });

  it("fit a narrow terminal", async () => {
    const { stdout } = await limits([file], {}, 60);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(60);
  });

  it.each([
    [{ OPENAI_PROJECT_ID: "" }, /set OPENAI_PROJECT_ID/],
    [{ OPENAI_ADMIN_KEY: "" }, /OPENAI_ADMIN_KEY, or keep one with `dramatis keys add --admin`/],
    [{ OPENAI_PROJECT_ID: "proj_other" }, /proj_other.*Check the project's id/],
    [{ OPENAI_ADMIN_KEY: "sk-proj-0123456789abcdef" }, /holds an admin key/],
    [{ OPENAI_ADMIN_BASE_URL: "", OPENAI_BASE_URL: "http://127.0.0.1:9/v1" }, /not sent to 127\.0\.0\.1:9/],
  ])("with %j: exit code 1, and what to do", async (env, message) => {
    const { exitCode, stdout, stderr } = await limits([], env as Record<string, string>);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr.replaceAll(/\s+/g, " ")).toMatch(message);
    expect(stderr).not.toContain("MARKED");
  });
});

describe("beside a scenario", () => {
  const flags = ["--runs", "200", "--model", "gpt-4.1"];

  it("tell what its conversations need and how long they take at best", async () => {
    const { stdout } = await limits([file, ...flags, "--json"]);
    const { needs, models, ...rest } = JSON.parse(stdout);
    expect(rest).toEqual({ project: "proj_abc", scenario: "two-people", runs: 200 });
    expect(models["gpt-4.1"]).toEqual({
      requestsPerMinute: 60,
      tokensPerMinute: 1e9,
      requestsPerDay: 10_000,
      batchTokensPerDay: 900_000,
    });
    expect(models.o3).toMatchObject({ requestsPerDay: null, batchTokensPerDay: null });
    const quoted = sampleTerminal();
    await runCommand(["quote", file, ...flags, "--json"], quoted.terminal);
    const { expected } = JSON.parse(quoted.written.stdout);
    const { requests, inputTokens, countedTokens } = expected.byModel["gpt-4.1"];
    expect(needs).toMatchObject([
      {
        model: "gpt-4.1",
        requests,
        inputTokens,
        countedTokens,
        atBestMs: Math.ceil((requests / 60) * 60_000),
        by: "requestsPerMinute",
        batchDays: Math.ceil(inputTokens / 900_000),
      },
    ]);
  });

  it("are shown for its models alone, with the limit that decides", async () => {
    const { stdout } = await limits([file, ...flags]);
    expect(stdout).not.toMatch(/^ +o3/m);
    expect(stdout.replaceAll(/\s+/g, " ")).toMatch(
      /200 conversations of “Two people” take \d+ min \d+ s at best, by the requests a minute of gpt-4\.1;/,
    );
  });

  it("may be given by hand, without any key", async () => {
    const none = { OPENAI_ADMIN_KEY: "", OPENAI_PROJECT_ID: "" };
    const { stdout } = await limits([file, ...flags, "--rpm", "10", "--json"], none);
    expect(JSON.parse(stdout)).toMatchObject({
      project: null,
      models: {},
      needs: [{ by: "requestsPerMinute" }],
    });
    const unknown = await limits([file, ...flags], none);
    expect(unknown.exitCode).toBe(0);
    expect(unknown.stdout.replaceAll(/\s+/g, " ")).toMatch(/take at best is not known\. No project is named/);
  });
});

it.each([
  [7_199_000, "119 min 59 s"],
  [7_200_000, "2 h 0 min"],
  [100_000_000, "27 h 46 min"],
  [172_800_000, "2 days"],
  [172_800_001, "3 days"],
])("%i ms are %s", (ms, text) => {
  expect(formatLong(ms)).toBe(text);
});
