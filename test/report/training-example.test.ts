/** One persona's view as a training example, by the provider's rules. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { trainingExample } from "../../src/report/training-example.ts";
import { brokenRules } from "./fine-tuning-rules.ts";
import { sampleTurn } from "./sample-record.ts";

const VIEW = {
  persona: "ada",
  system: "You are Ada.",
  turns: [
    sampleTurn({ turn: 2, speaker: "ben", message: "Why those?" }),
    sampleTurn({ turn: 1, speaker: "ada", message: "With the timeouts." }),
    sampleTurn({ turn: 3, speaker: "ada", message: "They cost most." }),
    sampleTurn({ turn: 4, speaker: "ben", message: "Then we agree." }),
  ],
  remarks: [
    { afterTurn: 0, speaker: "host", message: "Where do we begin?" },
    { afterTurn: 2, speaker: "Frau Müller", message: "Louder!" },
  ],
};

it("has its own turns as the assistant's, all others as users with their names, in the order they were said", () => {
  expect(trainingExample(VIEW)).toEqual({
    messages: [
      { role: "system", content: "You are Ada." },
      { role: "user", name: "host", content: "Where do we begin?" },
      { role: "assistant", content: "With the timeouts." },
      { role: "user", name: "ben", content: "Why those?" },
      { role: "user", name: "Frau_M_ller", content: "Louder!" },
      { role: "assistant", content: "They cost most." },
    ],
  });
});

it("is none where the persona said nothing, whoever claims its name", () => {
  const remarks = [{ afterTurn: 0, speaker: "cleo", message: "I am Cleo." }];
  expect(trainingExample({ ...VIEW, persona: "cleo", remarks })).toBeUndefined();
});

it("keeps the provider's rules, whatever was said by whomever", () => {
  const message = fc.string({ minLength: 1, maxLength: 8, unit: "binary" });
  const speaker = fc.constantFrom("ada", "ben", "cleo");
  const views = fc.record({
    persona: speaker,
    system: fc.constant("You are one of them."),
    turns: fc.array(fc.record({ speaker, message }), { maxLength: 8 }),
    remarks: fc.array(
      fc.record({ afterTurn: fc.nat(8), speaker: fc.string({ minLength: 1, maxLength: 90 }), message }),
    ),
  });
  let examples = 0;
  fc.assert(
    fc.property(views, ({ turns, ...view }) => {
      const numbered = turns.map((turn, index) => sampleTurn({ ...turn, turn: index + 1 }));
      const example = trainingExample({ ...view, turns: numbered });
      if (example === undefined) return;
      examples++;
      expect(brokenRules(JSON.parse(JSON.stringify(example)))).toEqual([]);
    }),
  );
  expect(examples).toBeGreaterThan(10);
});
