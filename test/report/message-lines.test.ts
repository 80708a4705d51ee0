/** messages.jsonl is one whole JSON object a line. */
import { describe, expect, it } from "vitest";
import { messageLines } from "../../src/report/message-lines.ts";
import { sampleRecord, sampleTurn, usage } from "./sample-record.ts";

const parsed = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line): Record<string, unknown> => JSON.parse(line));

describe("messageLines", () => {
  it("has a line for the opening, each turn and each remark, in order, and none for failures", () => {
    const lines = parsed(messageLines(sampleRecord()));
    expect(lines.map(({ kind, turn, speaker }) => [kind, turn, speaker])).toEqual([
      ["remark", 0, "host"],
      ["turn", 1, "maya-okafor"],
      ["turn", 2, "tomas-berg"],
      ["turn", 4, "lin-wei"],
      ["remark", 4, "human"],
      ["turn", 5, "maya-okafor"],
    ]);
  });

  it("carries who spoke, what of, with which model and at what cost", () => {
    expect(parsed(messageLines(sampleRecord()))[2]).toMatchObject({
      conversationId: "c-0001",
      scenario: "api-pricing",
      name: "Tomáš Berg",
      role: "Staff engineer",
      confidence: 0.9,
      addressedTo: "lin-wei",
      citations: ["load-tests#2", "beta-usage#1"],
      model: "gpt-4.1",
      requests: 2,
      costNanoUsd: 4_648_000,
    });
  });

  it("gives every line the same keys, for tools that read columns", () => {
    const keys = parsed(messageLines(sampleRecord())).map((line) => Object.keys(line).join());
    expect(new Set(keys).size).toBe(1);
  });

  it("writes an unknown cost as null, not as 0", () => {
    const turns = [sampleTurn({ usage: usage({ costNanoUsd: undefined, unpricedRequests: 1 }) })];
    expect(parsed(messageLines(sampleRecord({ turns, remarks: [] })))).toMatchObject([
      { costNanoUsd: null, unpricedRequests: 1 },
    ]);
  });

  it("keeps a message on its line, whatever line ends and controls are in it, and gives it back unchanged", () => {
    const message = 'a\nb\r\u2028c\u0085d\u001B[2J\u009B"}';
    const text = messageLines(sampleRecord({ turns: [sampleTurn({ message })], remarks: [] }));
    expect(text).not.toMatch(/[^\P{Cc}\n]|[\u2028\u2029]/u);
    expect(text.endsWith("}\n")).toBe(true);
    expect(parsed(text)).toMatchObject([{ message }]);
  });

  it("is empty when nothing was said", () => {
    expect(messageLines(sampleRecord({ turns: [], remarks: [] }))).toBe("");
  });
});
