/** Reports tell things in the order they happened. */
import { describe, expect, it } from "vitest";
import type { EndingSettings } from "../../src/domain/scenario.ts";
import { choiceNote, endingTitle, type Happening, timeline } from "../../src/report/timeline.ts";
import { sampleFailure, sampleRecord, sampleTurn } from "./sample-record.ts";

function title(happening: Happening): string {
  switch (happening.kind) {
    case "remark":
      return `remark after ${happening.remark.afterTurn}`;
    case "failure":
      return `failure ${happening.failure.turn}`;
    case "turn":
      return `turn ${happening.turn.turn}`;
  }
}

it("puts the opening first, a repaired failure before its turn, a skipped one in its place, remarks after their turn", () => {
  expect(timeline(sampleRecord()).map(title)).toEqual([
    "remark after 0",
    "turn 1",
    "failure 2",
    "turn 2",
    "failure 3",
    "turn 4",
    "remark after 4",
    "turn 5",
  ]);
});

describe("endingTitle", () => {
  const title = (status: "completed" | "budget" | "interrupted" | "failed", kind: string) =>
    endingTitle({ status, ending: { kind, evidence: "" } });

  it("says kinds in words, and not twice what the status says", () => {
    expect(title("completed", "maxTurns")).toBe("Completed: turn limit reached");
    expect(title("completed", "consensus")).toBe("Completed: all want to conclude");
    expect(title("budget", "maxCostUsd")).toBe("Budget reached");
    expect(title("failed", "failure")).toBe("Failed");
    expect(title("interrupted", "abort")).toBe("Interrupted");
  });

  it("has words for every kind a scenario can name", () => {
    const kinds: Record<keyof EndingSettings, true> = {
      maxTurns: true,
      maxTokens: true,
      maxCostUsd: true,
      maxDurationSeconds: true,
      phrase: true,
      consensus: true,
      stalemate: true,
      any: true,
      all: true,
    };
    for (const kind of Object.keys(kinds)) expect(title("completed", kind)).not.toBe(`Completed: ${kind}`);
  });

  it("leaves an embedder's own kinds as they are", () => {
    expect(title("completed", "applause")).toBe("Completed: applause");
    expect(title("completed", "constructor")).toBe("Completed: constructor");
  });
});

describe("choiceNote", () => {
  const choice = { turn: 5, speaker: "maya-okafor", policy: "directed", reason: "silent since turn 2" };

  it("tells why somebody spoke who was not addressed, and nothing where the address says it", () => {
    expect(choiceNote(sampleTurn({ choice }))).toEqual({
      text: "chosen: silent since turn 2",
      isFallback: false,
    });
    const addressed = sampleTurn({ choice: { ...choice, reason: "addressed by lin-wei" } });
    expect(choiceNote(addressed)).toBeUndefined();
  });

  it("tells which policy failed", () => {
    const fallbackFrom = { policy: "model", problem: "it chose nobody" };
    expect(choiceNote(sampleTurn({ choice: { ...choice, fallbackFrom } }))).toEqual({
      text: "chosen by directed instead of model (it chose nobody): silent since turn 2",
      isFallback: true,
    });
  });

  it("leaves it to the turn that follows a repaired failure", () => {
    expect(choiceNote(sampleFailure({ choice, outcome: "repaired" }))).toBeUndefined();
    expect(choiceNote(sampleFailure({ choice, outcome: "skipped" }))?.text).toBe(
      "chosen: silent since turn 2",
    );
  });
});
