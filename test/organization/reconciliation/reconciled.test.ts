/** Both sides compared, without a store and a provider. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Tier } from "../../../src/domain/usage.ts";
import type { Amounts } from "../../../src/organization/reconciliation/amounts.ts";
import { reconciled, type Sides } from "../../../src/organization/reconciliation/reconciled.ts";
import { DAY_MS, dayOf } from "../../../src/organization/reconciliation/rows.ts";

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 20);
const PERIOD = { since: NOW, until: NOW + 3 * DAY_MS };

interface Answer {
  /** When it was given. */
  at: number;
  /** When it was billed; default: at once. */
  billedAt?: number;
  /** Default: both. */
  side?: "ledger" | "provider" | "lost" | "lost-unbilled";
  model?: string;
  tier?: Tier;
  tokens?: readonly [fresh: number, cached: number, output: number];
  boundNanoUsd?: number;
}

/** Whole nano-dollars a token, so that no sum is rounded. */
const priceOf = (model: string, tier: Tier | undefined, amounts: Amounts) => {
  if (model === "mine" || tier === undefined) return undefined;
  const { inputTokens, cachedInputTokens, outputTokens } = amounts;
  return 100 * (inputTokens - cachedInputTokens) + 25 * cachedInputTokens + 400 * outputTokens;
};

/** What both sides tell of these answers. */
function sidesOf(answers: readonly Answer[], { hasTier = true, isCachedTold = true } = {}) {
  const sides = { ledger: [], lost: [], provider: [], charges: [] } as {
    -readonly [side in keyof Sides]: Sides[side][number][];
  };
  for (const answer of answers) {
    const { at, billedAt = at, side = "both", model = "gpt", tier = "standard", tokens = [7, 0, 3] } = answer;
    const [fresh, cachedInputTokens, outputTokens] = tokens;
    const amounts = { requests: 1, inputTokens: fresh + cachedInputTokens, cachedInputTokens, outputTokens };
    const nanoUsd = priceOf(model, tier, amounts);
    const hour = Math.floor(at / HOUR) * HOUR;
    const place = { earliest: hour, latest: hour, model, tier, run: "run" };
    if (side === "both" || side === "ledger") {
      const cost = { costNanoUsd: nanoUsd ?? 0, unpriced: nanoUsd === undefined ? 1 : 0 };
      sides.ledger.push({ ...place, ...amounts, ...cost });
    }
    if (side === "lost" || side === "lost-unbilled")
      sides.lost.push({ ...place, boundNanoUsd: answer.boundNanoUsd ?? 1_000_000 });
    if (side === "ledger" || side === "lost-unbilled") continue;
    const day = dayOf(billedAt);
    const told = {
      tier: hasTier ? tier : undefined,
      cachedInputTokens: isCachedTold ? cachedInputTokens : undefined,
    };
    sides.provider.push({ day, model, ...amounts, ...told, hasOtherTokens: false });
    if (nanoUsd !== undefined) sides.charges.push({ day, model, lineItem: `${model}, input`, nanoUsd });
  }
  return sides;
}

const compared = (answers: readonly Answer[], told = {}) =>
  reconciled(sidesOf(answers, told), PERIOD, priceOf);
const verdictsOf = (answers: readonly Answer[], told = {}) =>
  compared(answers, told).rows.map(({ verdict }) => verdict);

const at = fc.integer({ min: PERIOD.since, max: PERIOD.until - 1 });
const anAnswer = {
  at,
  model: fc.constantFrom("gpt", "o3"),
  tier: fc.constantFrom<Tier>("standard", "flex", "batch"),
  tokens: fc.tuple(fc.nat(5000), fc.nat(5000), fc.integer({ min: 1, max: 5000 })),
};
const answersOf = (...sides: (Answer["side"] | "both")[]) =>
  fc.array(fc.record({ ...anAnswer, side: fc.constantFrom(...sides) }), { maxLength: 25 }) as fc.Arbitrary<
    Answer[]
  >;

const FIELDS = ["requests", "inputTokens", "cachedInputTokens", "outputTokens"] as const;

describe("both sides", () => {
  it("are the ledger and the difference, to the nano-dollar, whatever is on which", () => {
    fc.assert(
      fc.property(answersOf("both", "ledger", "provider", "lost", "lost-unbilled"), (answers) => {
        const sides = sidesOf(answers);
        const { rows, totals } = reconciled(sides, PERIOD, priceOf);
        for (const { ledger, provider, difference } of [...rows, totals]) {
          for (const field of FIELDS) expect(provider[field]).toBe(ledger[field] + difference[field]);
          // Of more of one kind of tokens and less of another, the cost of a difference is not known.
          if (difference.costNanoUsd !== undefined)
            expect(provider.costNanoUsd).toBe((ledger.costNanoUsd ?? Number.NaN) + difference.costNanoUsd);
        }
        const all = <K extends (typeof FIELDS)[number]>(side: readonly Record<K, number>[], field: K) =>
          side.reduce((sum, row) => sum + row[field], 0);
        for (const field of FIELDS) {
          expect(totals.ledger[field]).toBe(all(sides.ledger, field));
          expect(totals.provider[field]).toBe(all(sides.provider as Amounts[], field));
        }
        const verdicts = (some: string) => rows.filter(({ verdict }) => verdict === some);
        expect(verdicts("only-in-ledger").every(({ difference }) => difference.inputTokens <= 0)).toBe(true);
        expect(totals.provider.costNanoUsd).toBe(
          sides.charges.reduce((sum, { nanoUsd = 0 }) => sum + nanoUsd, 0),
        );
      }),
    );
  });

  it("are explained where both have all, however late some is billed, and not with one answer more on either", () => {
    fc.assert(
      fc.property(
        answersOf("both"),
        fc.record({ ...anAnswer, side: fc.constantFrom<Answer["side"]>("ledger", "provider") }),
        (answers, one) => {
          const result = compared(answers);
          expect(result.isExplained).toBe(true);
          expect(result.rows.every(({ verdict }) => verdict === "matched")).toBe(true);
          expect(result.charged.every(({ differenceNanoUsd }) => differenceNanoUsd === 0)).toBe(true);

          const more = compared([...answers, one as Answer]);
          const differing = more.rows.filter(({ verdict }) => verdict !== "matched");
          expect(more.isExplained).toBe(false);
          expect(differing).toHaveLength(1);
          const sign = one.side === "ledger" ? -1 : 1;
          const [fresh, cached, output] = one.tokens;
          expect(differing[0]).toMatchObject({
            day: dayOf(one.at),
            model: one.model,
            tier: one.tier,
            verdict: one.side === "ledger" ? "only-in-ledger" : "only-at-provider",
            difference: {
              requests: sign,
              inputTokens: sign * (fresh + cached),
              outputTokens: sign * output,
              costNanoUsd: sign * (100 * fresh + 25 * cached + 400 * output),
            },
          });
        },
      ),
    );
  });
});

describe("around midnight", () => {
  const beforeMidnight = NOW + DAY_MS - 20 * 60_000;
  const noon = NOW + DAY_MS / 2;

  it("what was answered before it and billed after it is counted where it was billed", () => {
    const { rows, isExplained } = compared([
      { at: noon },
      { at: beforeMidnight, billedAt: NOW + DAY_MS, tokens: [5, 0, 5] },
      { at: noon + DAY_MS },
    ]);
    expect(isExplained).toBe(true);
    expect(rows.map(({ ledger, moved }) => [ledger.requests, moved.requests, ledger.costNanoUsd])).toEqual([
      [1, -1, 1900],
      [2, 1, 4400],
    ]);
  });

  it("also where the day before it, or after it, is not asked about", () => {
    expect(verdictsOf([{ at: NOW - 60_000, billedAt: NOW }])).toEqual(["matched"]);
    expect(verdictsOf([{ at: PERIOD.until - 60_000, billedAt: PERIOD.until }])).toEqual([]);
  });

  it("what was answered at noon is not, but by batch", () => {
    const late = { at: noon, billedAt: NOW + DAY_MS };
    expect(verdictsOf([late])).toEqual(["only-in-ledger", "only-at-provider"]);
    expect(verdictsOf([{ ...late, tier: "batch" }])).toEqual(["matched"]);
  });
});

describe("lost answers", () => {
  const lost = (more: Partial<Answer> = {}): Answer => ({ at: NOW + HOUR, side: "lost-unbilled", ...more });
  /** 1,900 nano-dollars. */
  const extra: Answer = { at: NOW + 2 * HOUR, side: "provider" };

  it.each([
    ["as much as they can have cost", [lost({ boundNanoUsd: 1900 })], "lost"],
    ["not a nano-dollar more", [lost({ boundNanoUsd: 1899 })], "only-at-provider"],
    [
      "by the dearest, where the first are too cheap",
      [lost({ boundNanoUsd: 1 }), lost({ at: NOW + 3 * HOUR })],
      "lost",
    ],
    ["of no other model", [lost({ model: "o3" })], "only-at-provider"],
    ["of no other tier", [lost({ tier: "flex" })], "only-at-provider"],
    ["of no day before", [lost({ at: NOW - 3 * HOUR })], "only-at-provider"],
    ["of no day after", [lost({ at: NOW + DAY_MS })], "only-at-provider"],
    ["of the last hour before the day", [lost({ at: NOW - 60_000 })], "lost"],
  ])("explain %s", (_, answers, verdict) => {
    const { rows, isExplained } = compared([extra, ...answers]);
    expect(rows.map((row) => row.verdict)).toEqual([verdict]);
    expect(isExplained).toBe(verdict === "lost");
  });

  it("explain one answer each, and the rest is told", () => {
    expect(verdictsOf([extra, extra, lost()])).toEqual(["only-at-provider"]);
    const { rows, unbilled } = compared([extra, extra, lost(), lost({ boundNanoUsd: 5000 }), lost()]);
    expect(rows.map((row) => row.lost)).toEqual([{ requests: 2, boundNanoUsd: 1_005_000 }]);
    expect(unbilled).toEqual({ requests: 1, boundNanoUsd: 1_000_000 });
  });

  it("explain nothing that the provider has less", () => {
    expect(verdictsOf([{ at: NOW, side: "ledger" }, lost()])).toEqual(["only-in-ledger"]);
  });
});

describe("what the provider does not tell", () => {
  it("is no difference: cached tokens, or tiers, whose costs are unknown then", () => {
    const answers: Answer[] = [
      { at: NOW, tokens: [5, 5, 5] },
      { at: NOW, tier: "flex" },
    ];
    const cached = compared(answers, { isCachedTold: false });
    expect(cached.rows.map(({ verdict, provider }) => [verdict, provider.costNanoUsd])).toEqual([
      ["matched", undefined],
      ["matched", undefined],
    ]);
    const tiers = compared(answers, { hasTier: false });
    expect(tiers.rows.map(({ verdict, tier }) => [verdict, tier])).toEqual([["matched", undefined]]);
    expect([cached.isExplained, tiers.isExplained]).toEqual([true, true]);
  });

  it("and what has no price leave sums unknown", () => {
    const { totals, isExplained } = compared([{ at: NOW, model: "mine" }, { at: NOW }]);
    expect([totals.ledger.costNanoUsd, totals.provider.costNanoUsd]).toEqual([undefined, undefined]);
    expect(isExplained).toBe(true);
  });
});

describe("charges", () => {
  const charged = (nanoUsd: number, lineItem = "gpt, input") => {
    const sides = sidesOf([{ at: NOW }, { at: NOW }]);
    const charges = [{ day: NOW, model: "gpt", lineItem, nanoUsd }];
    return reconciled({ ...sides, charges }, PERIOD, priceOf);
  };

  it("may differ by what is rounded, half a nano-dollar a request and line, and no more", () => {
    expect(charged(3802)).toMatchObject({ isExplained: true, charged: [{ differenceNanoUsd: 2 }] });
    expect(charged(3803)).toMatchObject({ isExplained: false, charged: [{ differenceNanoUsd: 3 }] });
    expect(charged(3797)).toMatchObject({ isExplained: false, charged: [{ differenceNanoUsd: -3 }] });
  });

  it("that are not there yet are told, for what nobody asked are wrong, for other things are apart", () => {
    const sides = sidesOf([{ at: NOW }]);
    const charges = [
      { day: NOW, model: "o3", lineItem: "o3, input", nanoUsd: 500 },
      { day: NOW, model: undefined, lineItem: "web search", nanoUsd: 7 },
    ];
    const result = reconciled({ ...sides, charges }, PERIOD, priceOf);
    expect(result.charged).toEqual([
      expect.objectContaining({ model: "gpt", chargedNanoUsd: undefined, isExplained: true }),
      expect.objectContaining({
        model: "o3",
        expectedNanoUsd: 0,
        differenceNanoUsd: 500,
        isExplained: false,
      }),
    ]);
    expect(result.otherCharges).toEqual([{ lineItem: "web search", nanoUsd: 7 }]);
    expect(result.isExplained).toBe(false);
  });
});
