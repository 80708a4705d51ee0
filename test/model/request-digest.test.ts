/** Two requests have one digest exactly when they ask the same. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../../src/model/exchange.ts";
import {
  canonicalJson,
  decidingParameters,
  digestOf,
  IRRELEVANT_PARAMETERS,
} from "../../src/model/request-digest.ts";
import { REQUEST } from "./sample-exchange.ts";

const digest = (request: object) => digestOf(decidingParameters(request as ChatRequest));

const FULL = {
  ...REQUEST,
  tools: [{ type: "function", function: { name: "search", parameters: { type: "object" }, strict: true } }],
  tool_choice: "none",
  parallel_tool_calls: false,
  response_format: { type: "json_schema", json_schema: { name: "answer", schema: { type: "object" } } },
  temperature: 0.7,
  top_p: 0.9,
  n: 1,
  stop: ["END"],
  presence_penalty: 0.1,
  frequency_penalty: 0.1,
  logit_bias: { "50256": -100 },
  reasoning_effort: "low",
  service_tier: "flex",
  max_tokens: 400,
};

/** The same value with the keys of every object in another order. */
function shuffled(value: unknown, order: (index: number) => number): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, order));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, field], index) => ({ name, field: shuffled(field, order), place: order(index) }))
      .sort((a, b) => a.place - b.place)
      .map(({ name, field }) => [name, field]),
  );
}

describe("a request's digest", () => {
  it("is SHA-256 in hexadecimal digits", () => {
    // echo -n '{"a":[1,null],"b":"é"}' | sha256sum
    expect(digestOf({ b: "é", a: [1, null], c: undefined })).toBe(
      "e03c3c1ebb5fccd76e3bd35b9a86169f35e6f1b069645d48ac278175f54c4208",
    );
  });

  it("does not depend on the order of keys, at any depth", () => {
    const value = fc.object({
      maxDepth: 4,
      values: [fc.string(), fc.integer(), fc.boolean(), fc.constant(null)],
    });
    fc.assert(
      fc.property(value, fc.infiniteStream(fc.integer()), (object, places) => {
        const other = shuffled(object, () => places.next().value);
        expect(canonicalJson(other)).toBe(canonicalJson(object));
        expect(JSON.parse(canonicalJson(object))).toEqual(JSON.parse(JSON.stringify(object)));
      }),
    );
    fc.assert(
      fc.property(fc.infiniteStream(fc.integer()), (places) => {
        expect(digest(shuffled(FULL, () => places.next().value) as object)).toBe(digest(FULL));
      }),
    );
  });

  it("differs wherever two values differ", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const isSame = isEqual(a, b);
        expect(canonicalJson(a) === canonicalJson(b)).toBe(isSame);
      }),
    );
  });

  it.each(Object.keys(FULL))("changes when %s changes, and when it is left out", (name) => {
    const { [name as keyof typeof FULL]: before, ...without } = FULL;
    const changed = typeof before === "number" ? before + 1 : { changed: before };
    expect(digest({ ...FULL, [name]: changed })).not.toBe(digest(FULL));
    expect(digest(without)).not.toBe(digest(FULL));
  });

  it("changes with any word of any message", () => {
    const [first, second] = REQUEST.messages;
    const messages = [first, { ...second, content: "What should we fix first!" }];
    expect(digest({ ...FULL, messages })).not.toBe(digest(FULL));
    expect(digest({ ...FULL, messages: [...REQUEST.messages].reverse() })).not.toBe(digest(FULL));
  });

  it.each(IRRELEVANT_PARAMETERS)("does not depend on %s", (name) => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(digest({ ...FULL, [name]: value })).toBe(digest(FULL));
      }),
    );
  });

  it("changes with a parameter that is not known yet", () => {
    expect(digest({ ...FULL, verbosity: "low" })).not.toBe(digest(FULL));
    expect(digest({ ...FULL, verbosity: undefined })).toBe(digest(FULL));
  });
});

/** By the language's own comparison of values, -0 and 0 taken for one as JSON does. */
const isEqual = (a: unknown, b: unknown) => {
  try {
    expect(JSON.parse(JSON.stringify(a))).toEqual(JSON.parse(JSON.stringify(b)));
    return true;
  } catch {
    return false;
  }
};
