import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { randomShare } from "../../../src/domain/random.ts";
import {
  accepts,
  type Ideas,
  instanceOf,
  type Schema,
  schemaIn,
} from "../../../src/offline/generator/json-schema.ts";

const ideas = (seed = 1): Ideas => ({
  value: () => undefined,
  text: (name) => `About ${name}`,
  draw: (name) => randomShare(seed, name),
});

const leaf = fc.oneof(
  fc.constant(z.string()),
  fc.tuple(fc.nat(5), fc.nat(30)).map(([least, more]) =>
    z
      .string()
      .min(least)
      .max(least + more),
  ),
  fc.constant(z.boolean()),
  fc.tuple(fc.integer({ min: -50, max: 50 }), fc.nat(20)).map(([least, more]) =>
    z
      .int()
      .min(least)
      .max(least + more),
  ),
  fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 1, max: 9 })).map(([least, more]) =>
    z
      .number()
      .gt(least)
      .lt(least + more),
  ),
  fc.constantFrom("red", "blue").map((value) => z.enum([value, "green"])),
  fc.constant(z.literal("fixed")),
  fc.constant(z.null()),
);
const { schema: anySchema } = fc.letrec<{ schema: z.ZodType }>((tie) => ({
  schema: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    tie("schema").map((inner) => z.array(inner).min(1).max(3)),
    tie("schema").map((inner) => inner.nullable()),
    fc.tuple(tie("schema"), tie("schema")).map(([one, other]) => z.union([one, other])),
    fc
      .dictionary(fc.stringMatching(/^[a-z]{1,8}$/), tie("schema"), { maxKeys: 4 })
      .map((shape) => z.strictObject(shape)),
  ),
}));

describe("an instance of a JSON Schema", () => {
  it("is valid for any schema of the usual keywords", () => {
    fc.assert(
      fc.property(anySchema, fc.nat(), (schema, seed) => {
        const json = z.toJSONSchema(schema) as Schema;
        const made = instanceOf(json, ideas(seed));
        expect(schema.safeParse(made).error).toBeUndefined();
        expect(accepts(json, made)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it("follows references, also those that lead back to themselves", () => {
    const tree: Schema = {
      $ref: "#/$defs/node",
      $defs: {
        node: {
          type: "object",
          properties: {
            name: { type: "string" },
            next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] },
          },
          required: ["name", "next"],
          additionalProperties: false,
        },
      },
    };
    expect(accepts(tree, instanceOf(tree, ideas()))).toBe(true);
  });

  it("prefers a valid idea and drops one that is not", () => {
    const schema: Schema = {
      type: "object",
      properties: { grade: { type: "integer", minimum: 1, maximum: 5 } },
      required: ["grade"],
    };
    const having = (grade: number): Ideas => ({
      ...ideas(),
      value: (name) => (name === "grade" ? grade : undefined),
    });
    expect(instanceOf(schema, having(4))).toEqual({ grade: 4 });
    expect(instanceOf(schema, having(40))).not.toEqual({ grade: 40 });
  });

  it("tells valid from invalid", () => {
    const schema: Schema = {
      type: "object",
      properties: { a: { enum: [1, "x"] } },
      required: ["a"],
      additionalProperties: false,
    };
    expect([{ a: 1 }, { a: "x" }].every((value) => accepts(schema, value))).toBe(true);
    expect([{}, { a: 2 }, { a: 1, b: 1 }, [], null, "a"].some((value) => accepts(schema, value))).toBe(false);
  });

  it("is found in running text, past braces that are no schema", () => {
    const schema = { type: "object", properties: { "odd } key": { type: "string" } } };
    expect(schemaIn(`Use {this} and {"a":1}, then ${JSON.stringify(schema)} exactly.`)).toEqual(schema);
    expect(schemaIn("no { schema here")).toBeUndefined();
  });
});
