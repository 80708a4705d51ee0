import { describe, expect, it } from "vitest";
import { findingsOf, passagesOf } from "../../../src/offline/generator/evidence.ts";

const none = { about: new Set<string>(), known: new Set<string>() };
const passage = (text: string, title = "Tides") => ({ id: "t#1", title, text });

describe("what came back from a search", () => {
  it("is read from a list, an object, or several messages, each passage once", () => {
    const one = { id: "a#1", title: "A", category: "x", score: 1, text: "Text." };
    expect(passagesOf([JSON.stringify([one])])).toHaveLength(1);
    expect(passagesOf([JSON.stringify({ passages: [one] }), JSON.stringify([one])])).toHaveLength(1);
    expect(passagesOf(["[]", "{}", "null", "no JSON", '[{"id":3}]'])).toEqual([]);
  });

  it("is quoted by sentences that stand on their own, whole to the decimal point", () => {
    const text =
      "## Heading\n\nAll boats wait 2.5 hours at low tide. They complain about it. **Pilots** know the sandbank by heart.";
    expect(
      findingsOf([passage(text)], none)
        .map(({ sentence }) => sentence)
        .sort(),
    ).toEqual(["All boats wait 2.5 hours at low tide.", "Pilots know the sandbank by heart."]);
  });

  it("keeps a capital that is a name, and lowers one that is not", () => {
    const clauses = findingsOf(
      [
        passage(
          "Harwick lost 3 boats in the storm of 1911. The other ports lost none of theirs that night. Two pilots were fined for that night.",
        ),
      ],
      none,
    );
    expect(clauses.find(({ sentence }) => sentence.startsWith("Harwick"))?.clause).toBeUndefined();
    expect(clauses.find(({ sentence }) => sentence.startsWith("Two"))?.clause).toBe(
      "two pilots were fined for that night.",
    );
  });

  it("never doubles quotation marks or full stops", () => {
    const [finding] = findingsOf([passage('The pilot called the bar "a door that moves" for years.')], none);
    expect(finding?.quoted).toBe("\"The pilot called the bar 'a door that moves' for years\".");
  });

  it("cuts a sentence that is too long rather than staying silent", () => {
    const [finding] = findingsOf([passage(`Boats ${"wait and wait ".repeat(30)}here.`)], none);
    expect(finding?.sentence.length).toBeLessThan(215);
    expect(finding?.sentence).toMatch(/…$/);
  });

  it("names a document without the headings that its passage covers", () => {
    const [finding] = findingsOf(
      [passage("All boats wait three hours at low tide.", "Tides: scope and risk: Low water; Pilots; Fines")],
      none,
    );
    expect(finding?.title).toBe("Tides: scope and risk");
  });

  it("puts what helps an advocate first", () => {
    const text = "Wooden boats lost 9 crews last year. Steel boats lost 2 crews last year.";
    const found = findingsOf([passage(text)], { ...none, own: "the steel boat", rival: "the wooden boat" });
    expect(found[0]?.sentence).toMatch(/^Wooden/);
    expect(found[0]?.helps).toBeGreaterThan(found[1]?.helps ?? 0);
  });
});
