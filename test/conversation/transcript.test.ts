import { HumanMessage } from "@langchain/core/messages";
import { describe, expect, it } from "vitest";
import { transcriptOf, turnMessageId } from "../../src/conversation/transcript.ts";
import { castOf, sampleTurn } from "./sample-view.ts";

describe("transcriptOf", () => {
  it("reads a message that two conversations share by the cast of each", () => {
    const message = new HumanMessage({ name: "ada", content: "I agree with everything." });
    const state = { messages: [message], turns: [] };
    const speakerAmong = (id: string) => transcriptOf(state, castOf(id))[0]?.speaker;
    expect(speakerAmong("ben")).toBe("ada");
    expect(speakerAmong("ada")).toBe("human");
    expect(speakerAmong("ben")).toBe("ada");
  });

  it("takes a message for a persona's own in the conversation whose turn it is, and in no other", () => {
    const cast = castOf("ada");
    const turn = sampleTurn(1, "ada");
    const messages = [new HumanMessage({ id: turnMessageId(1), name: "ada", content: "Something else." })];
    const [own] = transcriptOf({ messages, turns: [turn] }, cast);
    const [other] = transcriptOf({ messages, turns: [] }, cast);
    expect([own?.speaker, own?.message, own?.turn]).toEqual(["ada", turn.message, 1]);
    expect([other?.speaker, other?.message, other?.turn]).toEqual(["human", "Something else.", undefined]);
  });

  it("leaves out what says nothing", () => {
    const messages = [new HumanMessage(" \n"), new HumanMessage("Hello.")];
    const said = transcriptOf({ messages, turns: [] }, castOf("ada"));
    expect(said.map(({ message }) => message)).toEqual(["Hello."]);
  });
});
