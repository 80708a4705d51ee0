import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  candidates,
  directed,
  type Policy,
  purePolicy,
  random,
  roundRobin,
  weighted,
} from "../../src/conversation/policies.ts";
import { samplePersona } from "../domain/sample-persona.ts";
import {
  castOf,
  play,
  type Script,
  sampleFailure,
  sampleTurn,
  sampleView,
  speakersOf,
} from "./sample-view.ts";

const IDS = ["ada", "ben", "cleo", "dan", "eve", "finn"];
const silence = (turns: number): Script[] => Array.from({ length: turns }, () => ({}));

/** Of `draws` first turns, one a seed: how often each persona was drawn. */
async function frequencies(policy: Policy, cast: ReturnType<typeof castOf>, draws: number) {
  const counts = new Map(cast.map(({ id }) => [id, 0]));
  for (let seed = 0; seed < draws; seed++) {
    const { speaker } = await policy(sampleView({ cast, seed }));
    counts.set(speaker, (counts.get(speaker) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

describe("candidates", () => {
  it("are all but the last speaker, even when that turn failed", () => {
    expect(candidates(sampleView())).toEqual(["ada", "ben", "cleo"]);
    expect(candidates(sampleView({ turns: [sampleTurn(1, "ben")] }))).toEqual(["ada", "cleo"]);
    const failed = sampleView({ turns: [sampleTurn(1, "ben")], failures: [sampleFailure(2, "ada")] });
    expect(candidates(failed)).toEqual(["ben", "cleo"]);
  });

  it("are the last speaker again where nobody else is there", () => {
    expect(candidates(sampleView({ cast: castOf("ada"), turns: [sampleTurn(1, "ada")] }))).toEqual(["ada"]);
  });
});

describe("every policy", () => {
  const scripts = fc.array(
    fc.record({ addressedTo: fc.constantFrom(null, ...IDS, "stranger"), fails: fc.boolean() }),
    { maxLength: 30 },
  );
  const casts = fc
    .integer({ min: 1, max: 6 })
    .chain((size) =>
      fc
        .array(fc.constantFrom(0, 0.1, 0.5, 1), { minLength: size, maxLength: size })
        .map((shares) => shares.map((talkativeness, n) => samplePersona(IDS[n] ?? "", { talkativeness }))),
    );
  const policies: [string, Policy][] = [
    ["round-robin", roundRobin],
    ["directed", directed(4)],
    ["random", random],
    ["weighted", weighted],
  ];

  it.each(policies)(
    "%s chooses a candidate: of the cast, and not the last speaker unless alone",
    async (_, policy) => {
      await fc.assert(
        fc.asyncProperty(casts, fc.nat(), scripts, async (cast, seed, script) => {
          for (const { view, speaker, reason } of await play(policy, { cast, seed }, script)) {
            expect(cast.map(({ id }) => id)).toContain(speaker);
            if (cast.length > 1) expect(speaker).not.toBe(view.last?.speaker);
            expect(reason).toMatch(/\w/);
            expect(reason).not.toMatch(/NaN|undefined/);
          }
        }),
        { numRuns: 50 },
      );
    },
  );

  it.each(policies)("%s chooses the same again in the same conversation", async (_, policy) => {
    await fc.assert(
      fc.asyncProperty(casts, fc.nat(), scripts, async (cast, seed, script) => {
        const [first, second] = [
          await play(policy, { cast, seed }, script),
          await play(policy, { cast, seed }, script),
        ];
        expect(second).toEqual(first);
      }),
      { numRuns: 20 },
    );
  });

  it("is found by the name a scenario gives it", async () => {
    const view = sampleView({ turns: [sampleTurn(1, "ada", { addressedTo: "cleo" })] });
    expect(purePolicy({ policy: "round-robin" })(view).speaker).toBe("ben");
    expect(purePolicy({ policy: "directed", pingPongLimit: 4 })(view).speaker).toBe("cleo");
    expect(purePolicy({ policy: "random" })(view)).toEqual(random(view));
    expect(purePolicy({ policy: "weighted" })(view)).toEqual(weighted(view));
  });
});

describe("round-robin", () => {
  it("goes through the cast in order, again and again, failed turns included", async () => {
    const script = silence(7).map((turn, index) => ({ ...turn, fails: index % 3 === 1 }));
    expect(speakersOf(await play(roundRobin, {}, script))).toEqual([
      "ada",
      "ben",
      "cleo",
      "ada",
      "ben",
      "cleo",
      "ada",
    ]);
  });

  it("gives everybody the same number of turns in whole rounds", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 5 }),
        async (size, rounds) => {
          const cast = castOf(...IDS.slice(0, size));
          const speakers = speakersOf(await play(roundRobin, { cast }, silence(size * rounds)));
          const counts = cast.map(({ id }) => speakers.filter((speaker) => speaker === id).length);
          expect(counts).toEqual(cast.map(() => rounds));
        },
      ),
    );
  });

  it("says which of the order it is", () => {
    expect(roundRobin(sampleView({ turns: [sampleTurn(1, "ada")] })).reason).toBe("number 2 of 3 in order");
  });
});

describe("directed", () => {
  it("calls who was addressed", () => {
    const view = sampleView({ turns: [sampleTurn(1, "ada", { addressedTo: "cleo" })] });
    expect(directed(4)(view)).toEqual({ speaker: "cleo", reason: "addressed by ada" });
  });

  it("calls those who never spoke, in the order of the cast, when nobody was addressed", async () => {
    expect(speakersOf(await play(directed(4), {}, silence(5)))).toEqual(["ada", "ben", "cleo", "ada", "ben"]);
  });

  it("calls who has been silent longest, and says since when", () => {
    const turns = [sampleTurn(1, "ada"), sampleTurn(2, "ben"), sampleTurn(3, "cleo"), sampleTurn(4, "ada")];
    expect(directed(4)(sampleView({ turns }))).toEqual({ speaker: "ben", reason: "silent since turn 2" });
  });

  it("counts a failed turn as having been called", () => {
    const view = sampleView({
      turns: [sampleTurn(1, "ada"), sampleTurn(3, "cleo")],
      failures: [sampleFailure(2, "ben")],
    });
    expect(directed(4)(view)).toEqual({ speaker: "ada", reason: "silent since turn 1" });
  });

  it.each([
    ["a stranger", "stranger"],
    ["the speaker", "ben"],
  ])("ignores a turn that addresses %s", (_, addressedTo) => {
    const turns = [sampleTurn(1, "ada"), sampleTurn(2, "ben", { addressedTo })];
    expect(directed(4)(sampleView({ turns })).speaker).toBe("cleo");
  });

  it("forgets an address once the addressed turn failed", () => {
    const view = sampleView({
      turns: [sampleTurn(1, "cleo"), sampleTurn(2, "ada", { addressedTo: "ben" })],
      failures: [sampleFailure(3, "ben")],
    });
    expect(directed(4)(view)).toEqual({ speaker: "cleo", reason: "silent since turn 1" });
  });

  it("forgets an address for good once the addressed turn failed, whatever fails after it", () => {
    const view = sampleView({
      turns: [sampleTurn(1, "cleo"), sampleTurn(2, "ada", { addressedTo: "ben" })],
      failures: [sampleFailure(3, "ben"), sampleFailure(4, "cleo")],
    });
    expect(directed(4)(view)).toEqual({ speaker: "ada", reason: "silent since turn 2" });
  });

  it("breaks up two who keep the conversation to themselves at the limit, not before, and says so", async () => {
    const script: Script[] = ["ben", "ada", "ben", "ada", "ben"].map((addressedTo) => ({ addressedTo }));
    const steps = await play(directed(4), {}, script);
    expect(speakersOf(steps)).toEqual(["ada", "ben", "ada", "ben", "cleo"]);
    expect(steps.at(-1)?.reason).toBe(
      "has not spoken yet; ada was addressed, but the last 4 turns were of the same two",
    );
  });

  it("lets two go on for ever where nobody else is there", async () => {
    const script: Script[] = Array.from({ length: 12 }, (_, n) => ({
      addressedTo: n % 2 === 0 ? "ben" : "ada",
    }));
    const steps = await play(directed(4), { cast: castOf("ada", "ben") }, script);
    expect(steps.slice(1).every(({ reason }) => reason.startsWith("addressed by"))).toBe(true);
  });

  it("never lets two have more turns in a row than the limit, whoever addresses whom", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 3, max: 6 }),
        fc.integer({ min: 2, max: 6 }),
        fc.array(fc.constantFrom(null, ...IDS), { maxLength: 60 }),
        async (size, limit, addressees) => {
          const script = addressees.map((addressedTo) => ({ addressedTo }));
          const speakers = speakersOf(
            await play(directed(limit), { cast: castOf(...IDS.slice(0, size)) }, script),
          );
          const windows = speakers.slice(limit).map((_, start) => speakers.slice(start, start + limit + 1));
          expect(windows.filter((window) => new Set(window).size <= 2)).toEqual([]);
        },
      ),
    );
  });
});

describe("random", () => {
  it("draws everybody about equally often over many seeds", async () => {
    const drawn = await frequencies(random, castOf(...IDS.slice(0, 4)), 4_000);
    // 1,000 each; three and a half standard deviations of 27
    for (const count of Object.values(drawn)) expect(Math.abs(count - 1_000)).toBeLessThan(96);
  });

  it("draws anew each turn: over a long conversation every pair of neighbours occurs about equally often", async () => {
    const speakers = speakersOf(await play(random, {}, silence(1_200)));
    const pairs = new Map<string, number>();
    speakers.slice(1).forEach((speaker, index) => {
      const pair = `${speakers[index]} ${speaker}`;
      pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
    });
    expect(pairs.size).toBe(6);
    for (const count of pairs.values()) expect(Math.abs(count - 200)).toBeLessThan(45);
  });

  it("says the chance and the seed", () => {
    expect(random(sampleView({ cast: castOf(...IDS.slice(0, 4)) })).reason).toBe(
      "drawn by seed 7 with chance 25 %",
    );
  });
});

describe("weighted", () => {
  const castOfShares = (shares: Record<string, number>) =>
    Object.entries(shares).map(([id, talkativeness]) => samplePersona(id, { talkativeness }));

  it("draws in proportion to talkativeness over many seeds", async () => {
    const drawn = await frequencies(weighted, castOfShares({ ada: 0.2, ben: 0.3, cleo: 0.5 }), 4_000);
    expect(Math.abs((drawn.ada ?? 0) - 800)).toBeLessThan(90);
    expect(Math.abs((drawn.ben ?? 0) - 1_200)).toBeLessThan(103);
    expect(Math.abs((drawn.cleo ?? 0) - 2_000)).toBeLessThan(112);
  });

  it("never draws a weight of 0 while somebody else may speak", async () => {
    const drawn = await frequencies(weighted, castOfShares({ ada: 0, ben: 0.3, cleo: 0 }), 500);
    expect(drawn).toEqual({ ada: 0, ben: 500, cleo: 0 });
  });

  it("draws a silent one when only silent ones are left", async () => {
    const cast = castOfShares({ ada: 0, ben: 0.3 });
    const steps = await play(weighted, { cast }, silence(4));
    expect(speakersOf(steps)).toEqual(["ben", "ada", "ben", "ada"]);
    expect(steps.map(({ reason }) => reason)).toEqual(steps.map(() => "drawn by seed 7 with chance 100 %"));
  });

  it("draws equally where everybody weighs 0", async () => {
    const drawn = await frequencies(weighted, castOfShares({ ada: 0, ben: 0 }), 1_000);
    expect(Math.abs((drawn.ada ?? 0) - 500)).toBeLessThan(56);
  });
});
