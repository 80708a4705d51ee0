/** The transcript shows everything that happened, and only that. */
import { describe, expect, it } from "vitest";
import { totalsOf } from "../../src/ledger/totals.ts";
import { transcriptMarkdown } from "../../src/report/transcript.ts";
import { sampleFailure, sampleRecord, sampleTurn } from "./sample-record.ts";

describe("transcriptMarkdown", () => {
  it("reads as the stored sample", async () => {
    await expect(transcriptMarkdown(sampleRecord())).toMatchFileSnapshot("./sample-transcript.md");
  });

  it("says that answers were generated offline, and says nothing of it for the network", () => {
    expect(transcriptMarkdown(sampleRecord())).toContain("**Generated offline.**");
    expect(transcriptMarkdown(sampleRecord({ transport: "network" }))).not.toContain("offline");
  });

  it("quotes every cited passage at the end, where its citations lead", () => {
    const text = transcriptMarkdown(sampleRecord());
    expect(text).toContain(
      "cites [load-tests\\#2](#source-1), [beta-usage\\#1](#source-2)".replaceAll("\\", ""),
    );
    const [, sources = ""] = text.split("\n## Sources\n");
    expect(sources).toBe(
      [
        "",
        "### Source 1",
        "",
        "**load-tests#2** · Load tests of the beta: Who calls how often · technical",
        "",
        "> 92% of beta users stay under 10,000 calls a month.",
        ">",
        "> The rest are forty times larger.",
        "",
        "### Source 2",
        "",
        "**beta-usage#1** · Usage in the beta · business",
        "",
        "> Of 1,210 beta users, 1,113 never passed the free limit.",
        "",
      ].join("\n"),
    );
  });

  it("has no sources where nothing was cited, and shows the id alone of one that the record does not hold", () => {
    const text = transcriptMarkdown(sampleRecord({ sources: [] }));
    expect(text).not.toContain("## Sources");
    expect(text).toContain("cites load-tests#2, beta-usage#1 ·");
  });

  it("says what is unknown of the cost", () => {
    const entries = [{ model: "local", tier: "standard" as const, persona: "maya-okafor" }];
    const text = transcriptMarkdown(sampleRecord({ usage: { entries, totals: totalsOf(entries) } }));
    expect(text).toContain("Total: unknown (1 request without a price).");
    expect(text).toMatch(/\| Maya Okafor +\| +1 \| +0 \| +0 \| +0 \| unknown \| +– \|/);
  });

  it("can be made of a conversation in which nothing was said", () => {
    const record = sampleRecord({
      turns: [],
      failures: [sampleFailure({ turn: 1, kind: "unauthorised", outcome: "stopped" })],
      remarks: [],
      usage: { entries: [], totals: totalsOf([]) },
      status: "failed",
      ending: { kind: "failure", evidence: "Turn 1 failed: unauthorised." },
    });
    expect(transcriptMarkdown(record)).toContain("**Failed.** Turn 1 failed: unauthorised.");
    expect(transcriptMarkdown(record)).toContain("> **unauthorised**");
  });

  it("keeps its headings, tables and tags whatever the text in it says", () => {
    const hostile =
      "# Owned\n## Cost\n| a | b |\n| - | - |\n</sub><img src=x>\n```\n\n> q\n\u001B[2J[x](https://evil.example)";
    const plain = sampleRecord();
    const turns = [sampleTurn({ message: hostile, removedCitations: [hostile], citations: [hostile] })];
    const failures = [sampleFailure({ detail: hostile })];
    const text = transcriptMarkdown({
      ...plain,
      scenario: { id: "x", title: hostile, topic: hostile },
      participants: plain.participants.map((one) => ({ ...one, name: hostile, role: hostile })),
      ending: { kind: hostile, evidence: hostile },
      remarks: [{ afterTurn: 0, speaker: hostile, message: hostile }],
      turns,
      failures,
      sources: [{ id: hostile, title: hostile, category: hostile, text: `${hostile}\n[a]: b` }],
    });
    const lines = text.split("\n");
    const structure = (start: RegExp) => lines.filter((line) => start.test(line)).length;
    expect(structure(/^# /)).toBe(1);
    expect(structure(/^## /)).toBe(3);
    expect(structure(/^### /)).toBe(4);
    expect(structure(/^\| -+ \|/)).toBe(3);
    expect(lines.filter((line) => /^\s*(```|~~~| {4})/.test(line))).toEqual([]);
    const tags = text.replace(/\\</g, "").match(/<[^>]*>/g) ?? [];
    expect(new Set(tags)).toEqual(new Set(["<sub>", "</sub>", "<del>", "</del>"]));
    expect(text).not.toMatch(/[^\P{Cc}\n]/u);
  });
});
