/** Words that grow on the screen during a run: in a terminal only, and in the end it looks as if there had been none. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openDramatis } from "../../src/app.ts";
import { runCommand } from "../../src/cli/program.ts";
import { createRunScreen } from "../../src/cli/run-screen.ts";
import { findScenario } from "../../src/scenario/find-scenario.ts";
import { sampleFailure, sampleTurn } from "../report/sample-record.ts";
import { type SampleTerminalOptions, sampleTerminal } from "./sample-terminal.ts";
import { emulateTerminal } from "./screen/emulator.ts";

const folder = mkdtempSync(join(tmpdir(), "dramatis-live-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(options: SampleTerminalOptions, ...flags: string[]) {
  const { terminal, written } = sampleTerminal(options);
  const clock = () => Date.UTC(2026, 0, 2);
  const args = ["run", "product-roundtable", "--turns", "4", "--seed", "7", "--out", folder, ...flags];
  expect(await runCommand(args, { ...terminal, clock })).toBe(0);
  rmSync(folder, { recursive: true });
  return written;
}

const ESCAPE = "\u001B";

describe("dramatis run in a terminal", () => {
  it.each([
    [60, 24],
    [100, 8],
    [200, 50],
  ])("ends with what a pipe gets, at %d columns and %d rows", async (columns, rows) => {
    const display = emulateTerminal({ columns, rows });
    const live = await run({ columns, rows, hasProgress: true, display });
    const { stdout } = await run({ columns });
    expect(display.text()).toBe(stdout);
    expect(display.hasWrapped).toBe(false);
    expect(stdout).not.toContain(ESCAPE);
    expect(live.stdout.length).toBeGreaterThan(stdout.length);
  });

  it("prints every message whole with --no-stream", async () => {
    const { stdout } = await run({ rows: 24, hasProgress: true }, "--no-stream");
    expect(stdout).toBe((await run({})).stdout);
  });

  it.each([["--json"], ["--quiet"]])("draws nothing with %s", async (flag) => {
    const { stdout } = await run({ rows: 24, hasProgress: true }, flag);
    expect(stdout).not.toContain(ESCAPE);
  });
});

const scenario = findScenario("product-roundtable");
const dramatis = await openDramatis({ offline: true, env: {} });
const speaker = "ines-marvao";

function open() {
  const size = { columns: 80, rows: 100 };
  const display = emulateTerminal(size);
  const { terminal } = sampleTerminal({ ...size, hasProgress: true, display });
  const parts = { scenario, dramatis, terminal, context: {}, seed: 7, isOfflineAsked: false };
  const screen = createRunScreen({ ...parts, mode: "full" });
  const say = (text: string, attempt = 1) => screen.show({ type: "token", turn: 1, speaker, text, attempt });
  const complexity = { level: "low" as const, score: 0, signs: [] };
  const choice = { turn: 1, speaker, policy: "directed", reason: "r" };
  screen.show({ type: "choice", choice, complexity });
  return { screen, say, look: () => display.text() };
}

describe("words on the screen", () => {
  it("stand under the speaker's name in place of the progress line", () => {
    const { say, look } = open();
    expect(look()).toMatch(/^ {2}turn 0 of 18/);
    say("We ship ");
    say("in May.");
    expect(look()).toMatch(/^ {2}1 {2}Inês Marvão .*\n {5}We ship in May\.$/);
  });

  it("are dropped when another attempt begins", () => {
    const { say, look } = open();
    say("We wait\nand see");
    say("We ship", 2);
    expect(look().split("\n").slice(1)).toEqual(["     We ship"]);
  });

  it("give way to the turn, or to the failure that it became", () => {
    for (const outcome of ["turn", "failure"] as const) {
      const { screen, say, look } = open();
      say("Half a sent");
      screen.show(
        outcome === "turn"
          ? { type: "turn", turn: sampleTurn({ message: "All of it." }) }
          : { type: "failure", failure: sampleFailure() },
      );
      expect(look()).not.toContain("Half");
      expect(look()).toContain(outcome === "turn" ? "All of it." : sampleFailure().kind);
    }
  });

  it("come back under a note, and go when the run is over", () => {
    const { screen, say, look } = open();
    say("We ship ");
    screen.note("Stopping after this turn.");
    expect(look()).toBe("Stopping after this turn.\n");
    say("in May.");
    expect(look()).toMatch(/^Stopping after this turn\.\n.*\n {5}We ship in May\.$/);
    screen.close();
    expect(look()).toBe("Stopping after this turn.\n");
  });
});
