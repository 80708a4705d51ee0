/** What a run shows between its turns: where answers come from, the rating, the progress. */
import { describe, expect, it } from "vitest";
import { openDramatis } from "../../src/app.ts";
import { createRunScreen, type RunScreenParts } from "../../src/cli/run-screen.ts";
import type { ComplexityLevel } from "../../src/domain/scenario.ts";
import { findScenario } from "../../src/scenario/find-scenario.ts";
import { type SampleTerminalOptions, sampleTerminal } from "./sample-terminal.ts";

const scenario = findScenario("product-roundtable");
const dramatis = await openDramatis({ offline: true, env: {} });

function open(options: SampleTerminalOptions, changes: Partial<RunScreenParts> = {}) {
  const { terminal, written } = sampleTerminal(options);
  const parts = { scenario, dramatis, terminal, context: {}, seed: 7, isOfflineAsked: false };
  const screen = createRunScreen({ ...parts, mode: "full", ...changes });
  screen.open();
  return { screen, written };
}

describe("where answers come from", () => {
  const flat = (text: string) => text.replace(/\s+/g, " ");

  it.each<[string, Record<string, string>, boolean, string]>([
    ["no key", {}, false, "offline (no OPENAI_API_KEY): answers"],
    ["the wish to", { OPENAI_BASE_URL: "http://localhost:8021/v1" }, true, "offline (as asked): answers"],
    [
      "a server without a key",
      { OPENAI_BASE_URL: "http://localhost:8021/v1", OPENAI_API_KEY: " " },
      false,
      "offline (no OPENAI_API_KEY, so OPENAI_BASE_URL is ignored: set a key as well, any text for a server that needs none): answers",
    ],
  ])("is said with the reason: %s", (_, env, isOfflineAsked, line) => {
    expect(flat(open({ env }, { isOfflineAsked }).written.stdout)).toContain(line);
    const quiet = open({ env }, { isOfflineAsked, mode: "json" });
    expect(quiet.written).toMatchObject({ stdout: "", stderr: expect.stringContaining(line.slice(8, -9)) });
  });
});

describe("the rating", () => {
  const choice = { turn: 1, speaker: "ines-marvao", policy: "directed", reason: "r" };
  const rate = (level: ComplexityLevel) => ({
    type: "choice" as const,
    choice,
    complexity: { level, score: 1, signs: [`sign of ${level}`] },
  });

  it("is told of where it changes, and not at the beginning", () => {
    const { screen, written } = open({});
    const before = written.stdout;
    for (const level of ["medium", "medium", "high", "high", "medium"] as const) screen.show(rate(level));
    expect(written.stdout.slice(before.length)).toBe(
      "     complexity is now high: sign of high\n\n     complexity is now medium: sign of medium\n\n",
    );
  });

  it("stays out of the one JSON object", () => {
    const { screen, written } = open({}, { mode: "json" });
    for (const level of ["medium", "high"] as const) screen.show(rate(level));
    expect(written.stdout).toBe("");
  });

  it("leaves room for a budget that no binary fraction holds", () => {
    const context = { budget: { maxCostUsd: 1.001 }, maxTurns: 9 };
    const { screen, written } = open({ hasProgress: true }, { context });
    screen.show(rate("medium"));
    expect(written.stderr).toContain("turn 0 of 9  $0.0000 of $1.0010  ─");
  });
});
