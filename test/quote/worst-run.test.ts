/** Runs that do everything as expensively as they may, against a server that bills them: none passes the quote's bound. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { ScenarioInput } from "../../src/domain/scenario.ts";
import type { ChatRequest } from "../../src/offline/protocol.ts";
import type { ScriptStep } from "../../src/offline/script.ts";
import { answer, openStage, PASSAGES, persona } from "../conversation/stage.ts";
import { quoted } from "./stage.ts";

const WORD = "exports ";
const lastOf = ({ messages }: ChatRequest) => messages.at(-1);
const isModerator = ({ tools, messages }: ChatRequest) =>
  !tools?.length && String(messages[0]?.content).startsWith("You moderate");
const isRepair = (request: ChatRequest) => /cut off/.test(String(lastOf(request)?.content));

/** Every tool round, then an answer that is cut off, then the longest that fits. */
function worstScript(answerTokens: number, thinking: number, calls: number): ScriptStep[] {
  const words = (tokens: number) => WORD.repeat(Math.max(1, tokens)).trim();
  const query = words(Math.min(600, Math.floor((answerTokens - 60) / calls)));
  return [
    {
      kind: "content",
      content: { speaker: "ada", reason: words(120) },
      times: Number.POSITIVE_INFINITY,
      when: isModerator,
    },
    {
      kind: "tool-calls",
      calls: Array(calls).fill({ name: "search_knowledge_base", arguments: { query, category: null } }),
      times: Number.POSITIVE_INFINITY,
      when: ({ tools, tool_choice: choice }) => Boolean(tools?.length) && choice !== "none",
    },
    {
      kind: "content",
      content: answer(words(answerTokens - thinking - 90), { citations: PASSAGES.map(({ id }) => id) }),
      times: Number.POSITIVE_INFINITY,
      when: isRepair,
    },
    { kind: "content", content: words(20_000), times: Number.POSITIVE_INFINITY },
  ];
}

const worlds = fc.record({
  policy: fc.constantFrom("round-robin", "directed", "random", "model"),
  model: fc.constantFrom("gpt-4.1", "gpt-4.1-nano", "gpt-5-mini", "o4-mini"),
  castSize: fc.integer({ min: 1, max: 4 }),
  maxTurns: fc.integer({ min: 1, max: 7 }),
  maxToolRounds: fc.integer({ min: 0, max: 3 }),
  maxOutputTokens: fc.integer({ min: 150, max: 900 }),
  seed: fc.integer({ min: 0, max: 1000 }),
});

it("no run passes the worst case, in all, by persona or by model", async () => {
  const shares: number[] = [];
  await fc.assert(
    fc.asyncProperty(worlds, async ({ policy, model, castSize, maxTurns, seed, ...answers }) => {
      const ids = ["ada", "ben", "cleo", "dan"].slice(0, castSize);
      const scenario: Partial<ScenarioInput> = {
        cast: ids.map((id, index) => (index === 1 ? persona(id, { model: "gpt-4.1-mini" }) : persona(id))),
        moderator: { policy } as ScenarioInput["moderator"],
        endings: [{ maxTurns }],
        answers,
        seed,
      };
      const context = { models: { "*": model } };
      const { quote } = await quoted({ scenario, context, samples: 1 });
      const stage = await openStage({ scenario });
      const thinking = model.startsWith("gpt-4") ? 0 : 4000;
      // Models that cannot be told to call one tool at a time may call several.
      const calls = model === "o4-mini" ? 5 : 1;
      stage.server.script.next(...worstScript(answers.maxOutputTokens + thinking, 128, calls));
      const { usage, turns } = await stage.run({ context });
      const { bill } = stage.server;
      const bound = quote.worst.bound;
      expect(turns).toHaveLength(maxTurns);
      expect(bound?.total.costNanoUsd).toBeGreaterThanOrEqual(bill.costNanoUsd);
      expect(bound?.requests).toBeGreaterThanOrEqual(bill.requests);
      for (const [id, { costNanoUsd }] of Object.entries(usage.totals.byPersona))
        expect(bound?.byPersona[id]?.costNanoUsd).toBeGreaterThanOrEqual(costNanoUsd ?? Number.NaN);
      for (const [id, { costNanoUsd }] of Object.entries(bill.byModel))
        expect(bound?.byModel[id]?.costNanoUsd).toBeGreaterThanOrEqual(costNanoUsd);
      // The offline server's own words are shorter.
      expect(quote.samples[0]?.costNanoUsd).toBeLessThanOrEqual(bound?.total.costNanoUsd ?? Number.NaN);
      shares.push(bill.costNanoUsd / (bound?.total.costNanoUsd ?? Number.NaN));
    }),
    { numRuns: 15 },
  );
  // A bound that nothing comes near would prove little.
  expect(Math.max(...shares)).toBeGreaterThan(0.2);
}, 120_000);
