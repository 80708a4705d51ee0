/** Reports tell things in the order they happened. */
import { expect, it } from "vitest";
import { type Happening, timeline } from "../../src/report/timeline.ts";
import { sampleRecord } from "./sample-record.ts";

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
