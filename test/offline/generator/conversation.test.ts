/** Whole generated conversations, read as a reader would. */
import { describe, expect, it } from "vitest";
import { generateReply } from "../../../src/offline/generator/generator.ts";
import { CAST, PASSAGES, play, sentencesIn, turnRequest } from "./stage.ts";

const SEEDS = [1, 2, 3, 4, 5];
const sixty = SEEDS.map((seed) => play(60, { seed }));
const long = play(800, { seed: 9 });
const short = SEEDS.map((seed) => play(24, { seed }));

function repeatedIn(messages: readonly string[]): string[] {
  const all = messages.flatMap(sentencesIn);
  return all.filter((sentence, index) => all.indexOf(sentence) !== index);
}

describe("a generated conversation", () => {
  it.each(SEEDS)("repeats no sentence in 60 turns (seed %i)", (seed) => {
    const turns = sixty[SEEDS.indexOf(seed)] ?? [];
    expect(turns).toHaveLength(60);
    expect(repeatedIn(turns.map(({ answer }) => answer.message))).toEqual([]);
  });

  it("repeats no sentence in 800 turns", () => {
    const messages = long.map(({ answer }) => answer.message);
    const all = messages.flatMap(sentencesIn);
    expect(all.length).toBeGreaterThan(1600);
    expect(all.length - new Set(all).size).toBe(0);
  });

  it("names the previous speaker in every turn after the first", () => {
    for (const { previous, answer, persona } of sixty.flat()) {
      if (previous === undefined || previous.id === persona.id) continue;
      expect(answer.message).toContain(previous.name.split(" ")[0]);
    }
  });

  it("ends with a question by name when somebody is addressed before the end", () => {
    for (const { answer } of short.flat().filter(({ answer: { addressedTo } }) => addressedTo !== null)) {
      const target = CAST.find(({ id }) => id === answer.addressedTo)?.name.split(" ")[0] ?? "?";
      const last = answer.message.split(/(?<=[.!?])\s/).at(-1) ?? "";
      expect(last).toContain(target);
      expect(last).toMatch(/\?$/);
    }
  });

  it("has messages of two to six sentences, and no trace of an unfilled or clumsy frame", () => {
    for (const { answer } of [...sixty.flat(), ...long]) {
      const { message, reasoning } = answer;
      expect(sentencesIn(message).length).toBeGreaterThanOrEqual(2);
      expect(sentencesIn(message).length).toBeLessThanOrEqual(6);
      for (const text of [message, reasoning]) {
        expect(text).not.toMatch(/[{}<>|]|undefined|null|NaN/);
        expect(text).not.toMatch(
          /\s{2}|\s[.,;:?!]|[.,;:?!]{2}|""|\b(the|a|an|of|in|for|to) \1\b|\b(the|a|an) (the|a|an)\b/i,
        );
        expect(text).toMatch(/^["'(]?\p{Lu}.*[.?!]["']?$/u);
      }
    }
  });

  it("invents no figures: every number stands in the topic, a passage or a belief", () => {
    const known = new Set(
      `${JSON.stringify(PASSAGES)} 300 ${CAST.flatMap(({ beliefs, background }) => [...beliefs, background]).join(" ")}`.match(
        /\d+/g,
      ),
    );
    for (const { answer } of short.flat()) {
      expect((answer.message.match(/\d+/g) ?? []).filter((figure) => !known.has(figure))).toEqual([]);
    }
  });

  it("never lets private notes out", () => {
    for (const { answer } of sixty.flat()) {
      expect(JSON.stringify(answer)).not.toMatch(/marmalade|zeppelin|receipts|crates|harbour master/i);
    }
  });

  it("searches in 30 to 50 % of the turns, and cites only what came back", () => {
    const turns = Array.from({ length: 20 }, (_, seed) => play(24, { seed: seed + 100 })).flat();
    const share = turns.filter(({ searched }) => searched).length / turns.length;
    expect(share).toBeGreaterThan(0.3);
    expect(share).toBeLessThan(0.5);
    const ids = PASSAGES.map(({ id }) => id);
    for (const { answer, searched } of turns) {
      if (!searched) expect(answer.citations).toEqual([]);
      else {
        expect(answer.citations.length).toBeGreaterThan(0);
        expect(ids).toEqual(expect.arrayContaining(answer.citations));
        const titles = PASSAGES.filter(({ id }) => answer.citations.includes(id)).map(({ title }) => title);
        for (const title of titles) expect(answer.message).toContain(title);
      }
    }
  });

  it("moves towards a conclusion: nobody wants it in the first half, most do in the last four turns", () => {
    const early = short.flatMap((turns) => turns.slice(0, 12));
    const late = short.flatMap((turns) => turns.slice(-4));
    expect(early.filter(({ answer }) => answer.wantsToConclude)).toEqual([]);
    expect(late.filter(({ answer }) => answer.wantsToConclude).length / late.length).toBeGreaterThan(0.7);
  });

  it("lets the agreeable be ready before the others", () => {
    const [first, last] = [CAST[0], CAST[5]];
    const turnOfReadiness = (persona: (typeof CAST)[number] | undefined) =>
      Array.from({ length: 40 }, (_, index) => index + 1).find((turn) => {
        if (persona === undefined) return false;
        const transcript = [{ speaker: "ida-moss", message: "The waiting room worries me." }];
        const reply = generateReply(turnRequest({ persona, transcript, turn, maxTurns: 40 }));
        return reply.kind === "content" && JSON.parse(reply.content).wantsToConclude === true;
      }) ?? 41;
    expect(turnOfReadiness(last)).toBeLessThan(turnOfReadiness(first));
  });

  it("gives each persona a voice that is known with names, fields and beliefs hidden", () => {
    const hidden = new Set(
      CAST.flatMap(
        ({ name, expertise, beliefs, background }) =>
          [name, ...expertise, ...beliefs, background]
            .join(" ")
            .toLowerCase()
            .match(/\p{L}+/gu) ?? [],
      ),
    );
    const wordsOf = (message: string) =>
      (message.toLowerCase().match(/[\p{L}']+/gu) ?? []).filter((word) => !hidden.has(word));
    const learned = new Map(CAST.map(({ id }) => [id, new Map<string, number>()]));
    for (const { persona, answer } of sixty.slice(0, 4).flat()) {
      const counts = learned.get(persona.id);
      for (const word of wordsOf(answer.message)) counts?.set(word, (counts.get(word) ?? 0) + 1);
    }
    const likelihood = (id: string, message: string) => {
      const counts = learned.get(id) ?? new Map<string, number>();
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
      return wordsOf(message).reduce(
        (sum, word) => sum + Math.log(((counts.get(word) ?? 0) + 0.1) / (total + 100)),
        0,
      );
    };
    const unseen = sixty[4] ?? [];
    const known = unseen.filter(({ persona, answer }) => {
      const best = CAST.map(({ id }) => ({ id, score: likelihood(id, answer.message) })).sort(
        (a, b) => b.score - a.score,
      );
      return best[0]?.id === persona.id;
    });
    // One in six would be known by chance.
    expect(known.length / unseen.length).toBeGreaterThan(0.6);
  });
});
