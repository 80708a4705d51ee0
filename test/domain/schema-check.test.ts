import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { z } from "zod";
import { formatProblem } from "../../src/domain/errors.ts";
import { personaSchema } from "../../src/domain/persona.ts";
import { endingSchema } from "../../src/domain/scenario.ts";
import { parseYaml } from "../../src/domain/schema-check.ts";

const pairSchema = z.strictObject({
  name: z.string().min(1),
  size: z.number().optional(),
  list: z.array(z.string()).optional(),
});
const linesOf = (text: string, schema: z.ZodType = pairSchema) => {
  const parsed = parseYaml(schema, text, "f");
  return parsed.ok ? [] : parsed.problems.map(formatProblem);
};

describe("parseYaml", () => {
  it("gives the schema's output, defaults filled in", () => {
    const parsed = parseYaml(z.object({ a: z.int(), b: z.string().default("x") }), "a: 3\n", "f");
    expect(parsed).toEqual({ ok: true, value: { a: 3, b: "x" } });
  });

  it("accepts a byte-order mark and Windows line ends, and still counts lines and columns right", () => {
    expect(parseYaml(pairSchema, "\uFEFFname: a\r\nsize: 2\r\n", "f")).toEqual({
      ok: true,
      value: { name: "a", size: 2 },
    });
    expect(linesOf("\uFEFFname: 1\r\nsize: x\r\n")).toEqual([
      "f:1:7 name: expected text, got number 1 (put it in quotes)",
      'f:2:7 size: expected a number, got "x"',
    ]);
  });

  it.each([
    ["", "f:1:1: expected a mapping with name, got nothing"],
    ["# only a comment\n", "f:1:1: expected a mapping with name, got nothing"],
    ["- a\n", "f:1:1: expected a mapping with name, got a list of 1"],
    ["name: a\nname: b\n", "f:2:1 name: expected this key once, got it again (first on line 1)"],
    ["name: a\n\tsize: 1\n", "f:2:1: expected spaces as indentation, got a tab (replace it by spaces)"],
    ["name: a\n---\nname: b\n", "f:2:1: expected one document, got a second one (remove the line `---`)"],
    [
      "name: a: b\n",
      'f:1:7: expected valid YAML, got "name: a: b" (put text that contains `: ` in quotes, or check the indentation)',
    ],
    [
      "name: @home\n",
      'f:1:7: expected valid YAML, got "name: @home" (put text that starts with a special character in quotes)',
    ],
    ["name: *who\n", "f:1:7 name: expected an alias of an earlier value, got *who, which names nothing"],
    [
      "name: a\nlist: &l [*l]\n",
      "f:2:11 list[0]: expected an alias of an earlier value, got *l, which contains itself",
    ],
    ["name: !secret a\n", 'f:1:7: expected valid YAML, got "name: !secret a" (Unresolved tag: !secret)'],
  ])("reports %j in one line", (text, line) => {
    expect(linesOf(text)).toEqual([line]);
  });

  it("reports mistakes of the text and of the content together", () => {
    expect(linesOf("nam: a\nsize: big\n\tlist: [x]\n")).toEqual([
      "f:1:1 name: expected text, got nothing",
      'f:1:1 nam: expected a known key, got "nam" (did you mean name?)',
      'f:2:7 size: expected a number, got "big"',
      "f:3:1: expected spaces as indentation, got a tab (replace it by spaces)",
    ]);
  });

  it("does not call missing what may stand in the damaged part of a text", () => {
    expect(linesOf('size: big\nlist: ["a\nname: b\n')).toEqual([
      'f:1:7 size: expected a number, got "big"',
      expect.stringContaining("expected valid YAML"),
    ]);
  });

  it("names the place where an alias is used, and follows it into the value", () => {
    const schema = z.strictObject({ a: z.object({ n: z.number() }), b: z.object({ n: z.string() }) });
    expect(linesOf("a: &x\n  n: 1\nb: *x\n", schema)).toEqual([
      "f:2:6 b.n: expected text, got number 1 (put it in quotes)",
    ]);
  });

  it("stops an alias bomb", () => {
    const level = (name: string, of: string) => `${name}: &${name} [${Array(9).fill(of).join(", ")}]\n`;
    const bomb = `${level("a", "x")}${level("b", "*a")}${level("c", "*b")}${level("d", "*c")}`;
    expect(linesOf(bomb)).toEqual(["f: expected at most 100 repeats by aliases, got more"]);
  });

  it("survives nesting that no reader could follow", () => {
    expect(linesOf("[".repeat(50_000)).length).toBeGreaterThan(0);
    const deep = `${"any: [{".repeat(5_000)}maxTurns: 1${"}]".repeat(5_000)}`;
    expect(linesOf(`{${deep}}`, endingSchema).length).toBeGreaterThan(0);
  });

  it("unfolds a union to the branch whose type is right", () => {
    const schema = z.strictObject({ who: z.union([z.string(), pairSchema]) });
    expect(linesOf("who: { nme: x }\n", schema)).toEqual([
      "f:1:1 who.name: expected text, got nothing",
      'f:1:8 who.nme: expected a known key, got "nme" (did you mean name?)',
    ]);
    expect(linesOf("who: 5\n", schema)).toEqual([
      "f:1:6 who: expected text or a mapping with name, got number 5 (put it in quotes)",
    ]);
  });

  it("offers only the keys of the branch that a discriminated union's value names", () => {
    const schema = z.discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("plain") }),
      z.strictObject({ kind: z.literal("limited"), limit: z.number() }),
    ]);
    expect(linesOf("kind: plain\nlimit: 3\n", schema)).toEqual([
      'f:2:1 limit: expected a known key, got "limit" (known: kind)',
    ]);
  });

  it("gives back what was written, for any valid persona", () => {
    const text = fc.string({ minLength: 1, unit: "grapheme" }).filter((part) => part.trim() === part);
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const texts = fc.array(text, { minLength: 1, maxLength: 3 });
    const arbitrary = fc.record({
      id: fc.constant("somebody"),
      name: text,
      role: text,
      background: text,
      personality: fc.record({
        kind: fc.constantFrom("analytical", "creative"),
        traits: texts,
        communicationStyle: text,
        bigFive: fc.record({
          openness: share,
          conscientiousness: share,
          extraversion: share,
          agreeableness: share,
          neuroticism: share,
        }),
      }),
      expertise: texts,
      goals: texts,
    });
    fc.assert(
      fc.property(arbitrary, (persona) => {
        const parsed = parseYaml(personaSchema, stringify(persona), "f");
        expect(parsed.ok && parsed.value).toEqual(personaSchema.parse(persona));
      }),
      { numRuns: 50 },
    );
  });

  it("never throws and always places its problems inside the text, whatever the text is", () => {
    const fragment = fc.constantFrom(
      "name",
      ": ",
      "\n",
      "  ",
      "- ",
      "[",
      "]",
      "{",
      "}",
      "&a ",
      "*a",
      '"',
      "'",
      "|\n",
      "#",
      "\t",
      "? ",
      "1",
      "---\n",
      "!!",
      "\r\n",
    );
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 30 }), (fragments) => {
        const text = fragments.join("");
        const parsed = parseYaml(pairSchema, text, "f");
        const lines = text.split("\n").length;
        for (const { line = 1, column = 1 } of parsed.ok ? [] : parsed.problems) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(lines);
          expect(column).toBeGreaterThanOrEqual(1);
        }
      }),
      { numRuns: 500 },
    );
  });
});
