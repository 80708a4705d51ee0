/** Results of an experiment on terminals of any width. */
import stringWidth from "string-width";
import { expect, it } from "vitest";
import { renderResults } from "../../../src/cli/screen/experiment.ts";
import type { ExperimentResults } from "../../../src/experiment/read-results.ts";
import { type ResultRow, summarise } from "../../../src/experiment/results.ts";

const arms = ["gpt-4.1-nano", "gpt-4.1-mini"].map((model) => ({ name: `model=${model}`, levels: { model } }));
const REPEATS = 20;

function results(failing: string): ExperimentResults {
  const rows = arms.flatMap(({ name, levels }) =>
    Array.from({ length: REPEATS }, (_, index): ResultRow => {
      const failed = levels.model === failing;
      const figure = failed ? undefined : 0.25 + index / 100;
      return {
        conversation: `run-${levels.model}-${index}`,
        arm: name,
        levels,
        repeat: index + 1,
        seed: index,
        status: failed ? "failed" : "completed",
        ending: failed ? "failure" : "maxTurns",
        turns: failed ? 0 : 8,
        requests: failed ? 0 : 9,
        inputTokens: 12_345,
        cachedInputTokens: 0,
        outputTokens: 678,
        costNanoUsd: failed ? undefined : 1_234_567,
        unpricedRequests: 0,
        unpricedBoundNanoUsd: 0,
        durationMs: 1234,
        concluding: figure,
        confidence: figure,
        citationsPerTurn: figure,
        wordsPerTurn: figure,
        inequality: figure,
      };
    }),
  );
  const factors = [{ name: "model", levels: arms.map(({ levels }) => levels.model) }];
  const experiment = {
    id: "e",
    title: "Two models",
    factors,
    repeats: REPEATS,
    seed: 0,
    commonRandomNumbers: true,
  };
  return { run: "run", experiment, rows, ...summarise(arms, rows, experiment) };
}

it.each([60, 80, 100, 200])("fit %i columns, with the mean of every measure", (columns) => {
  const lines = renderResults(results("none"), { columns, colour: false });
  expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(columns);
  expect(lines.filter((line) => /^ {2}2 gpt-4.1-mi\S* +20 .*0\.345/.test(line))).toHaveLength(4);
  expect(lines.join("\n")).toContain("… and 16 more rows: --csv has all");
});

it("show no figure of an arm in which nothing finished", () => {
  const lines = renderResults(results("gpt-4.1-mini"), { columns: 120, colour: false });
  expect(lines.join("\n")).toContain("20 of 40 conversations finished");
  expect(lines.filter((line) => /^ {2}2 gpt-4\.1-mini +0 +– +– +– +– +0$/.test(line))).toHaveLength(7);
  expect(lines.filter((line) => /^ {2}2 gpt-4\.1-mini +0 +20 +0 +0 +0$/.test(line))).toHaveLength(1);
});
