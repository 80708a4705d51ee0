/** What a whole run looks like, and what no text in it can do to a terminal. */
import fc from "fast-check";
import stringWidth from "string-width";
import { describe, expect, it } from "vitest";
import type { ConversationRecord } from "../../../src/domain/record.ts";
import { totalsOf } from "../../../src/ledger/totals.ts";
import { sampleFailure, sampleRecord, sampleTurn } from "../../report/sample-record.ts";
import { renderRun } from "./sample-screen.ts";

const OWN_SEQUENCES = new RegExp(String.raw`${"\u001B"}\[(?:1|2|22|39|38;5;\d{1,3})m`, "gu");

/** Words, wide characters, and what attackers send. */
const pieces = fc.oneof(
  fc.constantFrom(
    "word ",
    "averyveryverylongidentifierwithoutanyspace#12",
    "価格表",
    "👩‍🚀",
    "🇫🇷",
    "e\u0301",
    "\n",
    "\t",
    "\u001B[2J",
    "\u001B]0;title\u0007",
    "\u009B1A",
    "\r",
    "\b",
    "\u202E",
  ),
  fc.string({ unit: "binary", maxLength: 5 }),
);
const hostileText = fc.array(pieces, { minLength: 1, maxLength: 12 }).map((parts) => parts.join(""));

const hostileRecord = fc
  .record({
    name: hostileText,
    message: hostileText,
    id: hostileText,
    detail: hostileText,
    model: hostileText,
  })
  .map(({ name, message, id, detail, model }): ConversationRecord => {
    const record = sampleRecord();
    const entries = [{ model, persona: "maya-okafor", tier: "standard" as const, costNanoUsd: 123 }];
    return {
      ...record,
      scenario: { id, title: name, topic: message },
      participants: record.participants.map((one) => ({ ...one, name, role: detail })),
      ending: { kind: id, evidence: detail },
      remarks: [{ afterTurn: 0, speaker: id, message }],
      turns: [
        sampleTurn({ message, citations: [id], removedCitations: [id, detail], addressedTo: "lin-wei" }),
        sampleTurn({
          turn: 2,
          speaker: id,
          model: { id: model, reason: "" },
          choice: { turn: 2, speaker: id, policy: "model", reason: detail },
        }),
      ],
      failures: [sampleFailure({ detail, outcome: "stopped" })],
      usage: { entries, totals: totalsOf(entries) },
    };
  });
const runs = fc.tuple(hostileRecord, fc.integer({ min: 20, max: 220 }), hostileText);

describe("a run on the screen", () => {
  it.each([60, 100])("looks as stored at %d columns without colour", async (columns) => {
    const text = renderRun(sampleRecord(), { columns, colour: false }).join("\n");
    await expect(`${text}\n`).toMatchFileSnapshot(`./run-${columns}.txt`);
  });

  it("looks as stored with colour", async () => {
    const text = renderRun(sampleRecord(), { columns: 80, colour: true }).join("\n");
    await expect(`${text.replaceAll("\u001B", "␛")}\n`).toMatchFileSnapshot("./run-80-colour.txt");
  });

  it("has no escape sequence without colour", () => {
    expect(renderRun(sampleRecord(), { columns: 80, colour: false }).join("")).not.toContain("\u001B");
  });

  it("keeps prose to 100 columns on wide terminals", () => {
    const widths = renderRun(sampleRecord(), { columns: 200, colour: false }).map((line) =>
      stringWidth(line),
    );
    expect(Math.max(...widths)).toBe(100);
  });

  it("is never wider than the columns and passes on no control character, whatever models and files say", () => {
    fc.assert(
      fc.property(runs, ([record, columns, file]) => {
        for (const line of renderRun(record, { columns, colour: false }, [file])) {
          expect(stringWidth(line)).toBeLessThanOrEqual(columns);
          expect(line).not.toMatch(/\p{Cc}|[\u202A-\u202E\u2066-\u2069]/u);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("says the same with colour as without, and paints with nothing but its own sequences", () => {
    fc.assert(
      fc.property(runs, ([record, columns, file]) => {
        const plain = renderRun(record, { columns, colour: false }, [file]);
        const painted = renderRun(record, { columns, colour: true }, [file]);
        expect(painted.map((line) => line.replace(OWN_SEQUENCES, ""))).toEqual(plain);
      }),
      { numRuns: 40 },
    );
  });
});
