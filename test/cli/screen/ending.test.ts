/** The closing box says how it ended and what it cost. */
import { describe, expect, it } from "vitest";
import { renderEnding } from "../../../src/cli/screen/ending.ts";
import { totalsOf } from "../../../src/ledger/totals.ts";
import { sampleRecord } from "../../report/sample-record.ts";

const plain = { columns: 80, colour: false };
const ending = (changes: Parameters<typeof sampleRecord>[0], files: string[] = []) =>
  renderEnding({ record: sampleRecord(changes), files }, plain).join("\n");

describe("renderEnding", () => {
  it.each([
    ["completed", "consensus", "── Completed: all want to conclude ─"],
    ["budget", "maxCostUsd", "── Budget reached ─"],
    ["interrupted", "abort", "── Interrupted ─"],
    ["failed", "failure", "── Failed ─"],
  ] as const)("names the status %s and the ending %s", (status, kind, title) => {
    expect(ending({ status, ending: { kind, evidence: "e" } })).toContain(title);
  });

  it("says offline of offline records only", () => {
    expect(ending({})).toContain("Generated offline");
    expect(ending({ transport: "network" })).not.toContain("offline");
  });

  it("says of a replay that nothing was charged again", () => {
    const text = ending({ transport: "replay", replayOf: "network" });
    expect(text).toContain("Replayed: no model was asked and nothing was charged; costs are those of the\n");
    expect(text).not.toContain("offline");
  });

  it("has one line for what the cache saved, and none where it saved nothing", () => {
    const hit = { model: "gpt-4.1", tier: "standard" as const, costNanoUsd: 0, fromCache: true as const };
    const entries = [{ ...hit, savedNanoUsd: 1_200_000 }, hit];
    expect(ending({ usage: { entries, totals: totalsOf(entries) } })).toContain(
      "\n  2 answers from the cache saved $0.0012\n",
    );
    expect(ending({})).not.toContain("cache saved");
  });

  it("tells what each tier cost where not all was asked at standard", () => {
    const entry = { model: "gpt-5-mini", persona: "lin-wei", inputTokens: 10, outputTokens: 1 };
    const entries = [
      { ...entry, tier: "flex" as const, costNanoUsd: 1_000_000 },
      { ...entry, tier: "standard" as const, costNanoUsd: 3_000_000 },
    ];
    const text = ending({ usage: { entries, totals: totalsOf(entries) } });
    expect(text).toMatch(
      /\n {2}tier\n {2}standard +1 .*\$0\.0030 +75\.0%\n {2}flex +1 .*\$0\.0010 +25\.0%\n/,
    );
    expect(ending({})).not.toMatch(/^ +tier$/m);
  });

  it("says what is unknown instead of counting it as nothing", () => {
    const entries = [
      { model: "local", tier: "standard" as const, persona: "lin-wei" },
      { model: "gpt-4.1", tier: "standard" as const, persona: "maya-okafor", costNanoUsd: 2_000_000 },
    ];
    const text = ending({ usage: { entries, totals: totalsOf(entries) } });
    expect(text).toContain("≥ $0.0020 (1 request without a price)");
    expect(text).toMatch(/林薇 \(Lin Wei\) .* unknown +–/);
    expect(text).toMatch(/total .* ≥ \$0\.0020 +–/);
  });

  it("tells of what screening removed or let pass, a line each, of many the first", () => {
    const notice = { place: "human input, message 1", kind: "GitHub token", action: "removed" as const };
    const text = ending({ notices: [notice, { ...notice, action: "sent" }] });
    expect(text).toContain("\n  notice: GitHub token in human input, message 1: removed\n");
    expect(text).toContain("\n  notice: GitHub token in human input, message 1: sent all the same\n");
    expect(ending({ notices: Array(9).fill(notice) })).toContain("4 further notices in the record");
    expect(ending({})).not.toContain("notice");
  });

  it("drops columns before figures on a narrow terminal", () => {
    const lines = renderEnding({ record: sampleRecord(), files: [] }, { columns: 60, colour: false });
    const head = lines.find((line) => line.includes("persona"));
    expect(head).toMatch(/^ {2}persona +requests +input +output +cost$/);
  });

  it("has no table of costs where nothing was asked", () => {
    const text = ending({ usage: { entries: [], totals: totalsOf([]) } }, ["out/transcript.md"]);
    expect(text).not.toContain("persona");
    expect(text).toMatch(/seed \d+\n.*Generated offline.*\n\n {2}written\n {2}out\/transcript\.md\n/s);
  });

  it("lists every file in one piece, its folder apart where a line is too short for both", () => {
    const at = (columns: number) => {
      const files = [
        "out/a-long-name-of-a-conversation/transcript.md",
        "out/a-long-name-of-a-conversation/b.json",
      ];
      return renderEnding(
        { record: sampleRecord(), files: [...files, "run.jsonl"] },
        { columns, colour: false },
      );
    };
    expect(at(50).slice(-5, -1)).toEqual([
      "  written",
      "  out/a-long-name-of-a-conversation/transcript.md",
      "  out/a-long-name-of-a-conversation/b.json",
      "  run.jsonl",
    ]);
    expect(at(40).slice(-7, -1)).toEqual([
      "  written",
      "  out/a-long-name-of-a-conversation",
      "    transcript.md",
      "    b.json",
      "  .",
      "    run.jsonl",
    ]);
  });

  it("loses nothing of a path that no line can hold", () => {
    const file = `out/${"folder/".repeat(15)}transcript.md`;
    expect(ending({}, [file]).replace(/\n +/g, "")).toContain(file);
  });
});
