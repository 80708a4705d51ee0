import {
  AIMessage,
  type BaseMessage,
  HumanMessage,
  SystemMessage,
  ToolMessage,
} from "@langchain/core/messages";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  messageBound,
  messageTokens,
  promptBound,
  promptTokens,
} from "../../../src/model/tokens/message-tokens.ts";

const named = (name: string, content: string) => new SystemMessage({ name, content });

/** The example of OpenAI's cookbook, "How to count tokens with tiktoken", with the counts the API itself gave. */
const COOKBOOK: BaseMessage[] = [
  new SystemMessage(
    "You are a helpful, pattern-following assistant that translates corporate jargon into plain English.",
  ),
  named("example_user", "New synergies will help drive top-line growth."),
  named("example_assistant", "Things working well together will increase revenue."),
  named(
    "example_user",
    "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
  ),
  named("example_assistant", "Let's talk later when we're less busy about how to do better."),
  new HumanMessage("This late pivot means we don't have time to boil the ocean for the client deliverable."),
];

describe("promptTokens", () => {
  it.each([
    ["o200k_base", 124],
    ["cl100k_base", 129],
  ] as const)("counts the cookbook's example in %s as %i", async (encoding, tokens) => {
    expect(await promptTokens(COOKBOOK, encoding)).toBe(tokens);
  });

  it("counts the first example of the API documentation as 19", async () => {
    const messages = [new SystemMessage("You are a helpful assistant."), new HumanMessage("Hello!")];
    expect(await promptTokens(messages, "o200k_base")).toBe(19);
  });

  it("remembers what a message is, for each encoding", async () => {
    const message = new HumanMessage("お誕生日おめでとう");
    const counts = async () => [
      await messageTokens([message], "cl100k_base"),
      await messageTokens([message], "o200k_base"),
    ];
    expect(await counts()).toEqual([[9 + 4], [8 + 4]]);
    message.content = "changed behind its back";
    expect(await counts()).toEqual([[9 + 4], [8 + 4]]);
  });
});

describe("messageBound", () => {
  it("is never below the count, whatever the message", async () => {
    const text = fc.string({ unit: "binary", maxLength: 60 });
    const message = fc.oneof(
      text.map((content) => new HumanMessage({ name: "ada", content })),
      text.map((content) => new ToolMessage({ tool_call_id: "call_1_0", content })),
      fc
        .tuple(text, fc.dictionary(fc.string(), text))
        .map(
          ([content, args]) =>
            new AIMessage({ content, tool_calls: [{ id: "call_1_0", name: "search", args }] }),
        ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 4 }), async (messages) => {
        const counts = await messageTokens(messages, "o200k_base");
        for (const [index, one] of messages.entries())
          expect(counts[index]).toBeLessThanOrEqual(messageBound(one));
        expect(await promptTokens(messages, "o200k_base")).toBeLessThanOrEqual(promptBound(messages));
      }),
      { numRuns: 100 },
    );
  });
});
