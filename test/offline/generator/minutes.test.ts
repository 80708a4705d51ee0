import { describe, expect, it } from "vitest";
import { z } from "zod";
import { summarySchema } from "../../../src/domain/summary.ts";
import { generateReply } from "../../../src/offline/generator/generator.ts";
import type { ChatMessage, ChatRequest } from "../../../src/offline/protocol.ts";
import { contentOf } from "./stage.ts";

const request = (messages: ChatMessage[]): ChatRequest => ({
  model: "gpt-4.1-nano",
  messages: [{ role: "system", content: "Keep the minutes." }, ...messages],
  response_format: {
    type: "json_schema",
    json_schema: {
      name: "answer",
      strict: true,
      schema: z.toJSONSchema(summarySchema) as Record<string, unknown>,
    },
  },
});
const minutes = (messages: ChatMessage[]) =>
  summarySchema.parse(JSON.parse(contentOf(generateReply(request(messages)))));

describe("minutes", () => {
  it("say what each speaker said last, what was agreed and asked, and the sources", () => {
    const said = minutes([
      { role: "user", name: "ada", content: "Exports first. Do we have the figures?" },
      { role: "user", name: "ben", content: "We agreed on the patch.\n[sources: churn#1]" },
      { role: "user", name: "ada", content: "Then timeouts it is." },
    ]);
    expect(said).toEqual({
      said: [
        { speaker: "ada", points: "Then timeouts it is." },
        { speaker: "ben", points: "We agreed on the patch." },
      ],
      decisions: ["We agreed on the patch."],
      openQuestions: ["Do we have the figures?"],
      citations: ["churn#1"],
    });
  });

  it("carry on what an earlier summary says of those who are silent", () => {
    const earlier = "What was said before, in short:\n- cleo: doubts the figures\n- ada: wants exports";
    const { said } = minutes([
      { role: "user", name: "earlier_summary", content: earlier },
      { role: "user", name: "ada", content: "Timeouts now." },
    ]);
    expect(said).toEqual([
      { speaker: "cleo", points: "doubts the figures" },
      { speaker: "ada", points: "Timeouts now." },
    ]);
  });

  it("stay short however long a message is", () => {
    const { said } = minutes([{ role: "user", name: "ada", content: `${"word ".repeat(500)}.` }]);
    expect(said[0]?.points.split(" ").length).toBeLessThanOrEqual(12);
  });
});
