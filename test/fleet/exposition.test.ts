/** The reader of figures refuses what Prometheus would. */
import { expect, it } from "vitest";
import { parseExposition } from "./exposition.ts";

const counter = "# HELP dramatis_turns_total Turns.\n# TYPE dramatis_turns_total counter\n";

it("reads values and escaped labels", () => {
  const { samples } = parseExposition(`${counter}dramatis_turns_total{run="a\\"b\\n\\\\"} 1.5e3\n`).get(
    "dramatis_turns_total",
  ) ?? { samples: [] };
  expect(samples).toEqual([{ name: "dramatis_turns_total", labels: { run: 'a"b\n\\' }, value: 1500 }]);
});

it.each([
  ["an end without a line break", `${counter}dramatis_turns_total 1`],
  ["a sample twice", `${counter}dramatis_turns_total 1\ndramatis_turns_total 2\n`],
  ["a sample of another metric", `${counter}dramatis_words_total 1\n`],
  ["a metric twice", `${counter}dramatis_turns_total 1\n${counter}`],
  ["a number in other words", `${counter}dramatis_turns_total one\n`],
  ["a label without quotes", `${counter}dramatis_turns_total{run=a} 1\n`],
  ["a counter without _total", "# HELP dramatis_turns T.\n# TYPE dramatis_turns counter\ndramatis_turns 1\n"],
  [
    "a histogram whose count is another than its last bucket",
    '# HELP h H.\n# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 1\nh_count 3\n',
  ],
])("refuses %s", (_, text) => {
  expect(() => parseExposition(text)).toThrow();
});
