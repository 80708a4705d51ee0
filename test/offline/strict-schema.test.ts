import { describe, expect, it } from "vitest";
import { ApiError } from "../../src/offline/api-error.ts";
import { checkStrictSchema } from "../../src/offline/strict-schema.ts";
import { VERDICT_SCHEMA } from "./fixture.ts";

const subject = { label: "response_format 'X'", param: "response_format", code: null };

const objectOf = (properties: Record<string, unknown>, more = {}) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
});

function complaint(schema: Record<string, unknown>): string | undefined {
  try {
    checkStrictSchema(schema, subject);
  } catch (error) {
    if (error instanceof ApiError) return error.message;
    throw error;
  }
  return undefined;
}

const nested = (levels: number): Record<string, unknown> =>
  levels === 1 ? objectOf({ leaf: { type: "string" } }) : objectOf({ inner: nested(levels - 1) });

describe("a strict schema is refused", () => {
  const text = { type: "string" };
  it.each<[why: string, schema: Record<string, unknown>, problem: string]>([
    [
      "without additionalProperties",
      { type: "object", properties: { a: text }, required: ["a"] },
      "In context=(), 'additionalProperties' is required to be supplied and to be false.",
    ],
    [
      "without additionalProperties further down",
      objectOf({ list: { type: "array", items: { type: "object", properties: {} } } }),
      "In context=('properties', 'list', 'items'), 'additionalProperties' is required to be supplied and to be false.",
    ],
    [
      "when a key is optional",
      objectOf({ a: text, b: text }, { required: ["a"] }),
      "In context=(), 'required' is required to be supplied and to be an array including every key in properties. Missing 'b'.",
    ],
    [
      "when it requires a key it does not have",
      objectOf({ a: text }, { required: ["a", "b"] }),
      "In context=(), Extra required key 'b' supplied.",
    ],
    [
      "when its root is no object",
      { type: "array", items: text },
      "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"array\"'.",
    ],
    [
      "with allOf",
      objectOf({ a: { allOf: [text] } }),
      "In context=('properties', 'a'), 'allOf' is not permitted.",
    ],
    [
      "with oneOf",
      objectOf({ a: { oneOf: [text] } }),
      "In context=('properties', 'a'), 'oneOf' is not permitted.",
    ],
    ["with if", objectOf({ a: text }, { if: {} }), "In context=(), 'if' is not permitted."],
    [
      "with a default",
      objectOf({ a: { ...text, default: "" } }),
      "In context=('properties', 'a'), 'default' is not permitted.",
    ],
    [
      "with minLength",
      objectOf({ a: { ...text, minLength: 1 } }),
      "In context=('properties', 'a'), 'minLength' is not permitted.",
    ],
    [
      "with an unknown format",
      objectOf({ a: { ...text, format: "uri" } }),
      "In context=('properties', 'a'), 'uri' is not a valid format.",
    ],
    ["without a type", objectOf({ a: {} }), "In context=('properties', 'a'), schema must have a 'type' key."],
    [
      "with an array of anything",
      objectOf({ a: { type: "array" } }),
      "In context=('properties', 'a'), array schema missing items.",
    ],
    [
      "with words beside a reference",
      objectOf({ a: { $ref: "#", description: "again" } }),
      "In context=('properties', 'a'), $ref cannot have keywords {'description'}.",
    ],
    ["with 11 levels", nested(11), "11 levels of nesting exceeds limit of 10."],
    [
      "with 5,001 properties",
      objectOf(Object.fromEntries(Array.from({ length: 5001 }, (_, index) => [`k${index}`, text]))),
      "5001 object properties exceeds limit of 5000.",
    ],
    [
      "with 1,001 enum values",
      objectOf({ a: { ...text, enum: Array.from({ length: 1001 }, (_, index) => `v${index}`) } }),
      "1001 enum values exceeds limit of 1000.",
    ],
  ])("%s", (_why, schema, problem) => {
    expect(complaint(schema)).toBe(`Invalid schema for response_format 'X': ${problem}`);
  });
});

describe("a strict schema is taken", () => {
  it.each<[why: string, schema: Record<string, unknown>]>([
    ["with nullable keys and bounds", VERDICT_SCHEMA],
    ["with 10 levels", nested(10)],
    ["with several types", objectOf({ a: { type: ["string", "null"] } })],
    [
      "with recursive definitions",
      objectOf(
        { tree: { $ref: "#/$defs/tree" } },
        { $defs: { tree: objectOf({ children: { type: "array", items: { $ref: "#/$defs/tree" } } }) } },
      ),
    ],
    [
      "with titles and $schema",
      { ...VERDICT_SCHEMA, title: "t", $schema: "https://json-schema.org/draft/2020-12/schema" },
    ],
  ])("%s", (_why, schema) => {
    expect(complaint(schema)).toBeUndefined();
  });
});
