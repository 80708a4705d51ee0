import { AIMessage, type AIMessageFields } from "@langchain/core/messages";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { STRUCTURED_METHODS } from "../../src/domain/scenario.ts";
import { ANSWER_TOOL, readReply } from "../../src/model/reply.ts";

const schema = z.strictObject({ message: z.string(), confidence: z.number().min(0).max(1) });
const good = { message: "We fix the timeouts.", confidence: 0.8 };

type Fields = AIMessageFields & { response_metadata?: Record<string, unknown> };
const read = (fields: Fields, method: (typeof STRUCTURED_METHODS)[number] = "json-schema") =>
  readReply(new AIMessage(fields), schema, method);
const ended = (finish: string, content = JSON.stringify(good)): Fields => ({
  content,
  response_metadata: { finish_reason: finish },
});
const calling = (name: string, args: unknown): Fields => ({
  content: "",
  tool_calls: [{ name, args: args as Record<string, unknown>, type: "tool_call" }],
});

describe("an answer", () => {
  it.each(STRUCTURED_METHODS)("is read from the text under %s", (method) => {
    expect(read(ended("stop"), method)).toEqual({ kind: "answer", value: good });
  });

  it("is read from the arguments of the answer's tool under function calling", () => {
    expect(read(calling(ANSWER_TOOL, good), "function-calling")).toEqual({ kind: "answer", value: good });
  });

  it("beats other calls of the same message", () => {
    const fields = {
      content: "",
      tool_calls: [
        ...(calling("search", {}).tool_calls ?? []),
        ...(calling(ANSWER_TOOL, good).tool_calls ?? []),
      ],
    };
    expect(read(fields, "function-calling")).toEqual({ kind: "answer", value: good });
  });

  it("is a tool call like any other where the answer is not demanded as one", () => {
    expect(read(calling(ANSWER_TOOL, good), "json-schema").kind).toBe("tool-calls");
  });
});

describe("tool calls", () => {
  it("come with name and arguments", () => {
    expect(read(calling("search", { query: "churn" }))).toEqual({
      kind: "tool-calls",
      calls: [{ name: "search", args: { query: "churn" } }],
    });
  });

  it("are read before any text that comes with them", () => {
    expect(read({ ...calling("search", {}), content: "Let me look." }).kind).toBe("tool-calls");
  });

  it("with arguments that are no JSON are kept, so that they can be answered", () => {
    const broken = {
      name: "search",
      args: "{query:",
      error: "bad",
      type: "invalid_tool_call",
    } as const;
    const fields = { ...calling("search", { query: "churn" }), invalid_tool_calls: [broken] };
    expect(read(fields)).toMatchObject({
      kind: "tool-calls",
      calls: [
        { args: { query: "churn" } },
        { name: "search", args: undefined, problem: expect.stringContaining('"{query:"') },
      ],
    });
  });

  it.each([[[1, 2]], ["text"], [7], [null]])(
    "with arguments that are JSON but no object are a problem: %j",
    (args) => {
      expect(read(calling("search", args))).toMatchObject({
        calls: [{ args: undefined, problem: expect.stringContaining("not a JSON object") }],
      });
    },
  );
});

describe("a problem", () => {
  it.each<[string, Fields, string, RegExp]>([
    ["a refusal", { content: "", additional_kwargs: { refusal: "I will not." } }, "refused", /I will not\./],
    ["the content filter", ended("content_filter"), "filtered", /content filter/],
    ["a cut-off", ended("length"), "truncated", /cut off/],
    ["no text", ended("stop", " \n"), "empty", /empty/],
    ["text that is no JSON", ended("stop", "Sure! Here it is"), "bad-shape", /got "Sure! Here it is"/],
    ["half of a JSON text", ended("stop", '{"message": "We'), "bad-shape", /Expected a JSON object/],
    ["a key left out", ended("stop", '{"message":"We"}'), "bad-shape", /confidence: /],
    [
      "a value out of range",
      ended("stop", JSON.stringify({ ...good, confidence: 90 })),
      "bad-shape",
      /confidence: /,
    ],
    ["a key too many", ended("stop", JSON.stringify({ ...good, mood: "calm" })), "bad-shape", /mood/],
    ["JSON that is no object", ended("stop", "[]"), "bad-shape", /answer: /],
  ])("is %s", (_, fields, problem, detail) => {
    const outcome = read(fields);
    expect(outcome).toMatchObject({ kind: "problem", problem });
    expect(outcome.kind === "problem" && outcome.detail).toMatch(detail);
  });

  it("of the arguments of the answer's tool says what came instead", () => {
    const broken = {
      name: ANSWER_TOOL,
      args: '{"message": We',
      error: "bad",
      type: "invalid_tool_call",
    } as const;
    const outcome = read({ content: "", invalid_tool_calls: [broken] }, "function-calling");
    expect(outcome).toMatchObject({
      kind: "problem",
      problem: "bad-shape",
      detail: expect.stringContaining('message\\": We'),
    });
    expect(read(calling(ANSWER_TOOL, { message: "Half." }), "function-calling")).toMatchObject({
      problem: "bad-shape",
      detail: expect.stringContaining("confidence"),
    });
  });

  it("of a cut-off or filtered reply comes before what it still holds", () => {
    const cut = { ...calling("search", { query: "chu" }), response_metadata: { finish_reason: "length" } };
    expect(read(cut)).toMatchObject({ problem: "truncated" });
  });

  it("of a cut-off says after how many tokens, where that is known", () => {
    const usage_metadata = { input_tokens: 9, output_tokens: 1_200, total_tokens: 1_209 };
    const raw = Object.assign(new AIMessage(ended("length")), { usage_metadata });
    expect(readReply(raw, schema, "json-schema")).toMatchObject({
      detail: "The answer was cut off after 1200 output tokens.",
    });
  });

  it("is told in bounded words, however long the reply", () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`key number ${n}`, n]));
    for (const text of ["x".repeat(100_000), JSON.stringify(many)]) {
      const outcome = read(ended("stop", text));
      expect(outcome.kind === "problem" && outcome.detail.length).toBeLessThan(700);
    }
  });
});

describe("any reply", () => {
  it("is an answer exactly when its text is JSON of the demanded shape", () => {
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record({ message: fc.string(), confidence: fc.double({ min: -1, max: 2, noNaN: true }) })
        .map((value) => JSON.stringify(value)),
    );
    const parse = (content: string): unknown => {
      try {
        return JSON.parse(content);
      } catch {
        return undefined;
      }
    };
    fc.assert(
      fc.property(text, fc.constantFrom(...STRUCTURED_METHODS), (content, method) => {
        const expected = schema.safeParse(parse(content));
        const outcome = read(ended("stop", content), method);
        expect(outcome.kind === "answer").toBe(expected.success);
        if (outcome.kind === "answer") expect(outcome.value).toEqual(expected.data);
      }),
    );
  });
});
