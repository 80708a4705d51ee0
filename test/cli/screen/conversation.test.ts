/** A turn's quiet line says what is to know of the answer and what it took. */
import { describe, expect, it } from "vitest";
import { renderRating, renderTurn } from "../../../src/cli/screen/conversation.ts";
import { sampleRecord, sampleTurn, usage } from "../../report/sample-record.ts";

const wide = { columns: 100, colour: false };
const cast = sampleRecord().participants;
const turnText = (changes: Parameters<typeof sampleTurn>[0]) =>
  renderTurn(sampleTurn({ message: "Yes.", ...changes }), cast, wide).join("\n");
const choice = { turn: 5, speaker: "maya-okafor", policy: "directed", reason: "addressed by lin-wei" };

describe("renderTurn", () => {
  it("says what the bar stands for", () => {
    expect(turnText({ confidence: 0.73 })).toContain("━━━━━━━─── 73% confident  ");
  });

  it("counts requests where a turn took more than one", () => {
    expect(turnText({ usage: usage({ requests: 2 }) })).toContain("gpt-4.1-nano  2 requests  1,240 in");
    expect(turnText({})).not.toContain("request");
  });

  it("says why somebody speaks whom nobody addressed", () => {
    const reason = "silent since turn 4; lin-wei was addressed, but the last 6 turns were of the same two";
    expect(turnText({ choice: { ...choice, reason } })).toContain(`chosen: ${reason}`);
    expect(turnText({ choice })).not.toContain("addressed by");
  });
});

describe("renderRating", () => {
  it("says the level and the signs of it in one paragraph", () => {
    const signs = ["half of the latest turns object", "half of the latest turns ask"];
    expect(renderRating({ level: "high", score: 2, signs }, wide)).toEqual([
      "     complexity is now high: half of the latest turns object, half of the latest turns ask",
      "",
    ]);
  });

  it("says that no sign is left", () => {
    expect(renderRating({ level: "low", score: 0, signs: [] }, wide)[0]).toBe(
      "     complexity is now low: no sign of difficulty is left",
    );
  });
});
