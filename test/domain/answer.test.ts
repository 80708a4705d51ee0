import { describe, expect, it } from "vitest";
import { z } from "zod";
import { answerSchema } from "../../src/domain/answer.ts";

const schema = answerSchema(["ada", "ben"]);
const answer = {
  message: "We fix the timeouts.",
  confidence: 0.8,
  reasoning: "They cost most.",
  relevantExpertise: ["exports"],
  emotions: ["calm"],
  addressedTo: "ben",
  citations: [],
  wantsToConclude: false,
};

describe("the answer's schema", () => {
  it("is one OpenAI accepts as strict: a closed object whose keys are all required", () => {
    const json = z.toJSONSchema(schema);
    expect(json).toMatchObject({ type: "object", additionalProperties: false });
    expect(json.required?.toSorted()).toEqual(Object.keys(answer).toSorted());
    expect(Object.keys(json.properties ?? {}).toSorted()).toEqual(Object.keys(answer).toSorted());
    expect(JSON.stringify(json)).not.toMatch(/"(allOf|oneOf|not|if|then|else)":/);
  });

  it("takes an answer to a participant and one to everybody", () => {
    expect(schema.parse(answer)).toEqual(answer);
    expect(schema.parse({ ...answer, addressedTo: null }).addressedTo).toBeNull();
  });

  it.each<[string, object]>([
    ["an addressee who is not in the cast", { addressedTo: "cleo" }],
    ["a confidence of more than 1", { confidence: 1.01 }],
    ["a confidence in words", { confidence: "high" }],
    ["a key that was not asked for", { mood: "calm" }],
    ["a key left out", { citations: undefined }],
  ])("rejects %s", (_, change) => {
    expect(schema.safeParse({ ...answer, ...change }).success).toBe(false);
  });
});
