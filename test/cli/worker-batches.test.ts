/** What a worker logs of batches: it is about a run, and about no conversation of it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { runCommand } from "../../src/cli/program.ts";
import { type Listening, listen } from "../../src/offline/listen.ts";
import { findScenario } from "../../src/scenario/find-scenario.ts";
import { openSimulations } from "../../src/simulation/simulations.ts";
import { openStore } from "../../src/store/store.ts";
import { newStore } from "../store/new-store.ts";
import { sampleTerminal } from "./sample-terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "dramatis-worker-"));
let provider: Listening | undefined;
afterAll(async () => {
  await provider?.close();
  rmSync(folder, { recursive: true, force: true });
});

it("names the run whose batches the provider will not take, and no conversation", async () => {
  const place = join(folder, "store");
  const store = await openStore(await newStore(place));
  const planning = await openSimulations(store, { offline: true, env: {} });
  const scenario = { ...findScenario("product-roundtable"), endings: [{ maxTurns: 1 }], budget: undefined };
  await planning.plan({ id: "autumn", scenario, conversations: 1, seed: 7, transport: "batch" });
  await planning.close();
  await store.close();

  provider = await listen(() => Response.json({ error: { message: "No." } }, { status: 403 }), 0);
  const env = { OPENAI_API_KEY: "sk-batch", OPENAI_BASE_URL: `${provider.url}/v1` };
  const { terminal, written } = sampleTerminal({
    env,
    interruptWhen: (stdout) => stdout.includes('"event":"problem"'),
  });
  expect(await runCommand(["worker", "--store", place, "--json"], terminal)).toBe(0);
  const lines = written.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const [problem] = lines.filter(({ event }) => event === "problem");
  expect(problem).toMatchObject({ runId: "autumn", code: "unauthorised" });
  expect(problem).not.toHaveProperty("conversationId");
}, 60_000);
