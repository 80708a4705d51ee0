import { describe, expect, it } from "vitest";
import type { StructuredMethod } from "../../../src/domain/scenario.ts";
import { createLimiter } from "../../../src/model/pace/limiter.ts";
import { openStage } from "../../conversation/stage.ts";

/** Runs a conversation that searches, and returns what each request was thought to need and did. */
async function estimates(method: StructuredMethod) {
  const limiter = createLimiter({ limits: { tokensPerMinute: 1e9 } });
  const found: { estimated: number; actual: number }[] = [];
  const stage = await openStage({
    scenario: { endings: [{ maxTurns: 12 }], answers: { method, maxOutputTokens: 400 } },
    gateway: {
      limiter: {
        limitsOf: limiter.limitsOf,
        async acquire(request) {
          const permit = await limiter.acquire(request);
          return {
            ...permit,
            settle(outcome) {
              permit.settle(outcome);
              found.push({ estimated: request.tokens, actual: outcome.tokens ?? Number.NaN });
            },
          };
        },
      },
    },
  });
  const { turns } = await stage.run();
  expect(turns).toHaveLength(12);
  expect(turns.flatMap(({ toolCalls }) => toolCalls).length).toBeGreaterThan(0);
  return { found, traffic: stage.server.traffic };
}

describe("what a request is thought to need of a token limit", () => {
  it.each<StructuredMethod>(["json-schema", "function-calling", "json-mode"])(
    "is within 2 %% of what the server counts, with tools and %s",
    async (method) => {
      const { found, traffic } = await estimates(method);
      expect(found.reduce((sum, { actual }) => sum + actual, 0)).toBe(traffic.countedTokens);
      const ratios = found.map(({ estimated, actual }) => estimated / actual);
      expect(Math.min(...ratios)).toBeGreaterThan(0.98);
      expect(Math.max(...ratios)).toBeLessThan(1.02);
    },
  );
});
