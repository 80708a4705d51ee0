/** Tables align, and fit by narrowing names and dropping columns. */
import { describe, expect, it } from "vitest";
import { printLines, type Span } from "../../../src/cli/screen/line.ts";
import { type Column, type Row, table } from "../../../src/cli/screen/table.ts";

const HEAD: Column[] = [
  { title: "name" },
  { title: "tokens", align: "right" },
  { title: "share", align: "right", isOptional: true },
];
const cells = (...texts: string[]): Span[] => texts.map((text) => ({ text }));
const draw = (rows: readonly Row[], columns: number) =>
  printLines(table(HEAD, rows, { columns, indent: 0 }), { columns, colour: false });

describe("table", () => {
  it("aligns by what characters take up, numbers to the right", () => {
    expect(
      draw(
        [cells("林薇", "5", "1%"), cells("Maya O", "1,234", "99%"), "rule", cells("total"), [], cells("z")],
        40,
      ),
    ).toEqual([
      "name    tokens  share",
      "林薇         5     1%",
      "Maya O   1,234    99%",
      "─────────────────────",
      "total",
      "",
      "z",
    ]);
  });

  it("narrows a long name before it drops a column", () => {
    expect(draw([cells("a name that is too long", "1", "2%")], 34)).toEqual([
      "name                 tokens  share",
      "a name that is too…       1     2%",
    ]);
  });

  it("drops the optional column before a name becomes unreadable", () => {
    expect(draw([cells("a name that is too long", "1", "2%")], 25)).toEqual([
      "name               tokens",
      "a name that is t…       1",
    ]);
  });

  it("shortens what must be typed in the middle, and drops what may go at last before any figure", () => {
    const head: Column[] = [
      { title: "id", isWhole: true },
      { title: "is", isOptional: "at last" },
      { title: "made", isOptional: true },
      { title: "cost", align: "right" },
    ];
    const rows = [cells("a-long-name-0001", "completed", "today", "$12.50")];
    const drawn = (columns: number) =>
      printLines(table(head, rows, { columns, indent: 0 }), { columns, colour: false })[1];
    expect(drawn(42)).toBe("a-long-name-0001  completed  today  $12.50");
    expect(drawn(41)).toBe("a-long-name-0001  completed  $12.50");
    expect(drawn(30)).toBe("a-lon…-0001  completed  $12.50");
    expect(drawn(20)).toBe("a-long…-0001  $12.50");
    expect(drawn(12)).toBe("a-…1  $12.50");
  });
});
