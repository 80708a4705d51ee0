/** The text of an answer that arrives, wherever its method puts it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { withoutKey } from "../../src/domain/secrets.ts";
import { answerText } from "../../src/model/answer-text.ts";
import type { Delta } from "../../src/model/exchange.ts";

const KEY = "aab-aabaab-key-aab";

function listen(method: "json-schema" | "json-mode" | "function-calling") {
  const told: { attempt: number; text: string }[] = [];
  const hear = answerText({ field: "message", method, apiKey: KEY, onText: (piece) => told.push(piece) });
  const say = (delta: Partial<Delta>) =>
    hear({ attempt: 1, content: "", callArguments: "", callName: undefined, ...delta });
  return { told, say };
}

describe("the text of an answer", () => {
  it.each(["json-schema", "json-mode"] as const)("comes from the content under %s", (method) => {
    const { told, say } = listen(method);
    say({ callName: "answer", callArguments: '{"message":"no"}' });
    say({ content: '{"message":"ye' });
    say({ content: 's"}' });
    expect(told).toEqual([
      { attempt: 1, text: "ye" },
      { attempt: 1, text: "s" },
    ]);
  });

  it("comes from the call named answer under function calling, whatever else is called", () => {
    const { told, say } = listen("function-calling");
    say({ content: '{"message":"no"}' });
    say({ callName: "search", callArguments: '{"message":"no"}' });
    say({ callName: "answer", callArguments: '{"message":"yes"}' });
    expect(told).toEqual([{ attempt: 1, text: "yes" }]);
  });

  it("begins anew with every attempt", () => {
    const { told, say } = listen("json-schema");
    say({ content: '{"message":"half a sen' });
    say({ attempt: 2, content: '{"message":"whole"}' });
    expect(told.at(-1)).toEqual({ attempt: 2, text: "whole" });
  });

  it("never holds the key, and holds back no more than may become it", () => {
    const words = fc.array(fc.constantFrom("a", "b", "-", "aab", "aab-aab", "key", KEY, KEY.slice(0, -1)), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(words, (pieces) => {
        const { told, say } = listen("json-schema");
        say({ content: '{"message":"' });
        for (const content of pieces) say({ content });
        const text = told.map((piece) => piece.text).join("");
        const safe = withoutKey(pieces.join(""), KEY);
        expect(text).not.toContain(KEY);
        expect(safe.startsWith(text)).toBe(true);
        expect(KEY.startsWith(safe.slice(text.length))).toBe(true);
      }),
    );
  });
});
