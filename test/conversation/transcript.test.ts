import { HumanMessage } from "@langchain/core/messages";
import { describe, expect, it } from "vitest";
import { transcriptOf } from "../../src/conversation/transcript.ts";
import { castOf } from "./sample-view.ts";

describe("transcriptOf", () => {
  it("reads a message that two conversations share by the cast of each", () => {
    const message = new HumanMessage({ name: "ada", content: "I agree with everything." });
    const state = { messages: [message], turns: [] };
    const speakerAmong = (id: string) => transcriptOf(state, castOf(id))[0]?.speaker;
    expect(speakerAmong("ben")).toBe("ada");
    expect(speakerAmong("ada")).toBe("human");
    expect(speakerAmong("ben")).toBe("ada");
  });
});
