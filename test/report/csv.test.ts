/** CSV: what any reader of RFC 4180 gets back, and what spreadsheets do not get to run. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { columnsOf } from "../../src/report/columns.ts";
import { csvHead, csvLine } from "../../src/report/csv.ts";

interface Row {
  name: string | undefined;
  costNanoUsd: number | undefined;
  tags: string[];
}
const COLUMNS = columnsOf<Row>({ name: "text", costNanoUsd: "integer", tags: "texts" });
const AS_IT_IS = { hasFormulaGuard: false };
const line = (name: string | undefined, hasFormulaGuard = true) =>
  csvLine(COLUMNS, { name, costNanoUsd: 5, tags: [] }, { hasFormulaGuard });

/** The grammar of RFC 4180, section 2, read letter by letter. */
function parsed(text: string): string[][] {
  const rows: string[][] = [[]];
  let at = 0;
  while (at < text.length) {
    let cell = "";
    if (text[at] === '"') {
      for (at++; text[at] !== '"' || text[at + 1] === '"'; at++) {
        if (at >= text.length) throw new Error("a quote is not closed");
        if (text[at] === '"') at++;
        cell += text[at];
      }
      at++;
    } else {
      for (; at < text.length && text[at] !== "," && text.slice(at, at + 2) !== "\r\n"; at++) {
        if (text[at] === '"') throw new Error("a quote in a cell without quotes");
        cell += text[at];
      }
    }
    rows.at(-1)?.push(cell);
    if (text[at] === ",") at++;
    else if (text.slice(at, at + 2) === "\r\n") {
      at += 2;
      rows.push([]);
    } else throw new Error(`expected a comma or an end of line at ${at}`);
  }
  return rows.slice(0, -1);
}

it("names its columns as files do", () => {
  expect(csvHead(COLUMNS)).toBe("name,cost_nano_usd,tags\r\n");
});

it("is read back to the letter by RFC 4180's grammar", () => {
  const text = fc.string({ unit: fc.constantFrom('"', ",", "\r", "\n", "'", "=", " ", "a", "é", "🙂") });
  fc.assert(
    fc.property(fc.array(fc.record({ name: text, tags: fc.array(text) })), (rows) => {
      const written = rows.map((row) => csvLine(COLUMNS, { ...row, costNanoUsd: undefined }, AS_IT_IS));
      expect(parsed(written.join(""))).toEqual(
        rows.map(({ name, tags }) => [name, "", JSON.stringify(tags)]),
      );
    }),
  );
});

it("leaves a cell empty where a value is unknown", () => {
  expect(line(undefined)).toBe(",5,[]\r\n");
});

it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "＝1", "\n"])(
  "puts an apostrophe before %j, unless that is switched off",
  (formula) => {
    expect(parsed(line(formula))[0]?.[0]).toBe(`'${formula}`);
    expect(parsed(line(formula, false))[0]?.[0]).toBe(formula);
  },
);

it("leaves other texts and numbers as they are, and counts those it changed", () => {
  let guarded = 0;
  const options = { hasFormulaGuard: true, onGuarded: () => void guarded++ };
  const row = { name: "a = b", costNanoUsd: -5, tags: ["=1"] };
  expect(csvLine(COLUMNS, row, options)).toBe('a = b,-5,"[""=1""]"\r\n');
  expect(guarded).toBe(0);
  csvLine(COLUMNS, { ...row, name: "=x" }, options);
  expect(guarded).toBe(1);
});
