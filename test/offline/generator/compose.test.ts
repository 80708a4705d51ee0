/** Parts other than plain discussion: debates with a judge, interviews, speakers from outside. */
import { describe, expect, it } from "vitest";
import { type Persona, personaSchema } from "../../../src/domain/persona.ts";
import { generateReply } from "../../../src/offline/generator/generator.ts";
import type { Utterance } from "../../../src/turn/prompt.ts";
import { CAST, contentOf, play, schemaFor, turnRequest } from "./stage.ts";

const [mara, teo, ida, noor] = CAST as [Persona, Persona, Persona, Persona];
const answer = (
  persona: Persona,
  transcript: Utterance[],
  extra: { turn: number; maxTurns: number; topic: string; seed?: number },
) =>
  schemaFor(CAST).parse(JSON.parse(contentOf(generateReply(turnRequest({ persona, transcript, ...extra })))));

describe("in a debate", () => {
  const topic =
    'The pier is too old. Mara Lind and Teo Brandt speak for the floating pier. Ida Moss speaks against it, for the stone pier with a wall. Noor Salim judges and announces her choice with the words "The bell says". What happens in the first winter storm, and who repairs the moorings?';
  const said: Utterance[] = [
    { speaker: ida.id, message: "A winter storm does not ask. Mara, who repairs the moorings?" },
    { speaker: mara.id, message: "The moorings are the smaller worry." },
  ];

  it("advocates speak for their own side and never for the other", () => {
    for (let seed = 0; seed < 40; seed++) {
      const { message } = answer(teo, said, { turn: 3, maxTurns: 16, topic, seed });
      expect(message).not.toMatch(/(speak|vote|hand|sign|choose|decide) (up )?for the stone pier/);
    }
    const all = Array.from(
      { length: 40 },
      (_, seed) => answer(teo, said, { turn: 3, maxTurns: 16, topic, seed }).message,
    );
    expect(all.filter((message) => /floating pier|stone pier/.test(message)).length).toBeGreaterThan(30);
  });

  it("the judge asks, weighs both sides and does not conclude early", () => {
    const early = answer(noor, said, { turn: 5, maxTurns: 16, topic });
    expect(early.wantsToConclude).toBe(false);
    expect(early.addressedTo).not.toBeNull();
    expect(early.message).not.toContain("The bell says");
  });

  it("the judge rules at the end in the words the topic asks for, and names who pays", () => {
    const late = answer(noor, said, { turn: 16, maxTurns: 16, topic });
    expect(late.wantsToConclude).toBe(true);
    expect(late.message).toMatch(/The bell says .*the (floating|stone) pier\./);
    expect(late.message).toMatch(/floating pier/);
    expect(late.message).toMatch(/stone pier/);
  });
});

describe("in an interview", () => {
  const topic =
    "Noor Salim interviews three islanders about the night ferry. When did you last miss the ferry? She wants stories of the waiting room and the ticket queue, and of what people tell their families.";

  it("the interviewer always asks somebody", () => {
    for (let seed = 0; seed < 30; seed++) {
      const said = [{ speaker: ida.id, message: "I slept on the bench in the waiting room." }];
      const { addressedTo, message } = answer(noor, said, { turn: 4, maxTurns: 20, topic, seed });
      expect(addressedTo).not.toBeNull();
      expect(message).toMatch(/\?$/);
      expect(message).toContain("Ida");
    }
  });

  it("a respondent answers from its own life, in the first person", () => {
    const said = [{ speaker: noor.id, message: "Thank you all. Ida, when did you last miss the ferry?" }];
    const messages = Array.from(
      { length: 30 },
      (_, seed) => answer(ida, said, { turn: 3, maxTurns: 20, topic, seed }).message,
    );
    for (const message of messages) expect(message).toMatch(/\b(I|me|my|you)\b/);
    expect(
      messages.filter((message) => /I grew up beside the old pier and repaired nets/.test(message)).length,
    ).toBeGreaterThan(3);
  });
});

describe("when somebody from outside speaks", () => {
  it("takes up the question without inventing a name", () => {
    const said = [
      { speaker: mara.id, message: "The fares decide." },
      { speaker: "human", message: "What about the kiosk and the school class on Fridays?" },
    ];
    const { message } = answer(ida, said, {
      turn: 3,
      maxTurns: 20,
      topic: "The kiosk on the pier needs a new roof. What comes first?",
    });
    expect(message).not.toMatch(/human/i);
    expect(message.length).toBeGreaterThan(40);
  });

  it("one persona alone goes on without naming itself", () => {
    const alone = personaSchema.parse({ ...mara, id: "hermit", name: "Hermit Hale" });
    const turns = play(12, { cast: [alone] });
    for (const { answer: given } of turns) {
      expect(given.addressedTo).toBeNull();
      expect(given.message).not.toContain("Hermit");
    }
  });
});
