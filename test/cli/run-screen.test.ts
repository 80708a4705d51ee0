/** What a run shows between its turns: where answers come from, the rating, the progress. */
import { describe, expect, it } from "vitest";
import { openDramatis } from "../../src/app.ts";
import { createRunScreen, type RunScreenParts } from "../../src/cli/run-screen.ts";
import type { ConversationEvent } from "../../src/conversation/events.ts";
import type { ComplexityLevel } from "../../src/domain/scenario.ts";
import { emptySubtotal } from "../../src/ledger/totals.ts";
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

it("tells of a skipped turn with --quiet as well, and not within JSON", () => {
  const failure = {
    turn: 2,
    speaker: "ines-marvao",
    kind: "bad-request" as const,
    detail: "gpt-4.1: 400 No.",
    outcome: "skipped" as const,
    usage: emptySubtotal(),
  };
  const told = (mode: "quiet" | "json") => {
    const { screen, written } = open({}, { mode });
    const before = written.stderr.length;
    screen.show({ type: "failure", failure } as unknown as ConversationEvent);
    return written.stderr.slice(before);
  };
  expect(told("quiet")).toBe("Turn 2 of ines-marvao was skipped (bad-request): gpt-4.1: 400 No.\n");
  expect(told("json")).toBe("");
});

describe("an attempt that is made again", () => {
  const attempt = {
    turn: 1,
    persona: "ines-marvao",
    purpose: "turn" as const,
    model: "gpt-4.1",
    attempt: 1,
    problem: "rate-limited" as const,
    status: 429,
    mayBeBilled: false,
  };
  const told = (changes: object) => {
    const { screen, written } = open({}, { mode: "json" });
    const before = written.stderr.length;
    screen.show({ type: "attempt", attempt: { ...attempt, ...changes } });
    return written.stderr.slice(before);
  };

  it("is told of when a limit's pause is long, or of unknown length", () => {
    expect(told({ waitMs: 0, retryAfterMs: 20_000 })).toBe(
      "rate-limited, status 429: trying again in 20.0 s\n",
    );
    expect(told({ waitMs: 0 })).toBe("rate-limited, status 429: trying again after a pause\n");
  });

  it("is not told of when the pause is short, or when there is none because it was the last", () => {
    expect([told({ waitMs: 0, retryAfterMs: 300 }), told({ retryAfterMs: 86_400_000 }), told({})]).toEqual([
      "",
      "",
      "",
    ]);
  });
});

it("redraws what it waits for in its line", () => {
  const { screen, written } = open({ hasProgress: true });
  const before = written.stderr.length;
  screen.waitFor("wave 1: in progress, 0 of 1");
  screen.waitFor("wave 1: in progress, 1 of 1");
  const drawn = written.stderr.slice(before).split("\r\u001b[K");
  expect(drawn.map((line) => line.match(/wave 1/g)?.length ?? 0)).toEqual([0, 1, 1]);
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
