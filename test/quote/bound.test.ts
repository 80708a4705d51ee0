/** The worst case is no less than any order of speakers, and as much as the arithmetic says. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadCatalog } from "../../src/catalog/catalog.ts";
import { type Asker, boundOf, type RequestSize } from "../../src/quote/bound.ts";

const catalog = loadCatalog();
const size = (more: Partial<RequestSize> & { id?: string } = {}): RequestSize => {
  const { id = "gpt-4.1", ...rest } = more;
  return { model: catalog.model(id), prompt: 1000, turnGrowth: 100, requestGrowth: 50, answer: 200, ...rest };
};
const asker = (persona: string | undefined, more: Partial<Asker> = {}): Asker => ({
  persona,
  purpose: persona === undefined ? "moderator" : "turn",
  sizes: [size()],
  requestsPerTurn: 2,
  stride: 2,
  ...more,
});

/** Nano-dollars of one request to gpt-4.1: $2 and $8 per million tokens. */
const priced = (input: number, output: number) => input * 2000 + output * 8000;

describe("the bound", () => {
  it("is each request at the full price, prompts grown by turns and by requests", () => {
    const { total, requests } = boundOf([asker("ada", { stride: 1 })], { turns: 2, runs: 3 });
    const first = priced(1000, 200) + priced(1050, 200);
    const second = priced(1100, 200) + priced(1150, 200);
    expect(total).toEqual({ costNanoUsd: 3 * (first + second), batchNanoUsd: (3 * (first + second)) / 2 });
    expect(requests).toBe(12);
  });

  it("takes the dearest persona of each turn, but nobody twice in a row", () => {
    const cheap = asker("ben", { sizes: [size({ id: "gpt-4.1-nano" })] });
    const { total, byPersona } = boundOf([asker("ada"), cheap], { turns: 2, runs: 1 });
    const ada = priced(1100, 200) + priced(1150, 200);
    const ben = (priced(1000, 200) + priced(1050, 200)) / 20;
    expect(total.costNanoUsd).toBe(ada + ben);
    expect(byPersona.ada?.costNanoUsd).toBe(ada);
  });

  it("counts a persona with the dearest of its models, and each model for itself", () => {
    const either = asker("ada", { sizes: [size({ id: "gpt-4.1-nano" }), size()], stride: 1 });
    const { total, byModel } = boundOf([either], { turns: 1, runs: 1 });
    expect(byModel["gpt-4.1"]).toEqual(total);
    expect((byModel["gpt-4.1-nano"]?.costNanoUsd ?? 0) * 20).toBe(total.costNanoUsd);
  });

  it("adds who asks beside the personas, in every turn, with as much as it may see", () => {
    const moderator = asker(undefined, { requestsPerTurn: 1, seenTurns: 1, stride: 1 });
    const { total, others, byPurpose } = boundOf([asker("ada", { stride: 1 }), moderator], {
      turns: 3,
      runs: 1,
    });
    expect(others?.costNanoUsd).toBe(priced(1000, 200) + 2 * priced(1100, 200));
    expect(total.costNanoUsd).toBe((byPurpose.turn?.costNanoUsd ?? 0) + (others?.costNanoUsd ?? 0));
  });

  it("never counts a prompt beyond the model's window", () => {
    const small = { ...catalog.model("gpt-4.1"), contextWindow: 1010 };
    const { total } = boundOf([asker("ada", { stride: 1, sizes: [size({ model: small })] })], {
      turns: 5,
      runs: 1,
    });
    expect(total.costNanoUsd).toBe(priced(1000, 200) + 9 * priced(1010, 200));
  });

  it("is unknown where a model that may be asked has no price, and known beside it", () => {
    const { price: _, ...local } = catalog.model("gpt-4.1");
    const free = asker("ben", { sizes: [size({ model: { ...local, id: "local" } })] });
    const { total, byPersona, byModel } = boundOf([asker("ada"), free], { turns: 2, runs: 1 });
    expect([total.costNanoUsd, byPersona.ben?.costNanoUsd, byModel.local?.batchNanoUsd]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(byPersona.ada?.costNanoUsd).toBe(priced(1100, 200) + priced(1150, 200));
  });

  it("refuses amounts that are no longer exact", () => {
    expect(() => boundOf([asker("ada")], { turns: 1_000_000_000, runs: 1_000_000 })).toThrow(/\$9 million/);
  });

  it("of a billion turns is told at once, since prompts stop growing", () => {
    const tiny = { ...catalog.model("gpt-4.1-nano"), contextWindow: 1200 };
    const sizes = [size({ model: tiny, answer: 1, requestGrowth: 0 })];
    const { total } = boundOf([asker("ada", { sizes, stride: 1, requestsPerTurn: 1 })], {
      turns: 1_000_000,
      runs: 1,
    });
    const nano = (input: number) => input * 100 + 400;
    expect(total.costNanoUsd).toBe(nano(1000) + nano(1100) + 999_998 * nano(1200));
  });
});

it("no order of speakers, models and answers costs more", () => {
  const sizes = fc.record({
    id: fc.constantFrom("gpt-4.1", "gpt-4.1-mini", "gpt-5"),
    prompt: fc.integer({ min: 10, max: 3000 }),
    turnGrowth: fc.integer({ min: 0, max: 400_000 }),
    requestGrowth: fc.integer({ min: 0, max: 3000 }),
    answer: fc.integer({ min: 1, max: 5000 }),
  });
  const cast = fc.array(fc.array(sizes, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(
      cast,
      fc.infiniteStream(fc.nat()),
      fc.integer({ min: 1, max: 12 }),
      (people, draws, turns) => {
        const askers = people.map((own, index) =>
          asker(`p${index}`, { sizes: own.map(size), stride: Math.min(2, people.length) }),
        );
        const draw = (below: number) => draws.next().value % below;
        const spent = { total: 0, byPersona: new Map<string, number>(), byModel: new Map<string, number>() };
        let last = -1;
        for (let turn = 1; turn <= turns; turn++) {
          const among = askers
            .map((_, index) => index)
            .filter((index) => askers.length === 1 || index !== last);
          last = among[draw(among.length)] ?? 0;
          const { sizes: own = [], persona = "" } = askers[last] ?? {};
          const one = own[draw(own.length)];
          if (one === undefined) throw new Error("every asker has a size");
          const { model } = one;
          for (let request = 0; request < 2; request++) {
            const input = one.prompt + (turn - 1) * one.turnGrowth + request * one.requestGrowth;
            if (input > model.contextWindow) continue; // Refused.
            const { input: inputPrice = 0, output: outputPrice = 0 } = model.price ?? {};
            const cost = Math.round((input * inputPrice + one.answer * outputPrice) * 1000);
            spent.total += cost;
            spent.byPersona.set(persona, (spent.byPersona.get(persona) ?? 0) + cost);
            spent.byModel.set(model.id, (spent.byModel.get(model.id) ?? 0) + cost);
          }
        }
        const bound = boundOf(askers, { turns, runs: 1 });
        expect(bound.total.costNanoUsd).toBeGreaterThanOrEqual(spent.total);
        for (const [id, cost] of spent.byPersona)
          expect(bound.byPersona[id]?.costNanoUsd).toBeGreaterThanOrEqual(cost);
        for (const [id, cost] of spent.byModel)
          expect(bound.byModel[id]?.costNanoUsd).toBeGreaterThanOrEqual(cost);
      },
    ),
  );
});
