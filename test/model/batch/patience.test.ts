import { expect, it } from "vitest";
import { createPatience } from "../../../src/model/batch/patience.ts";

function open() {
  let now = 1_000_000;
  const patience = createPatience({ firstPollMs: 1000, mostPollMs: 2000 }, () => now);
  return { ...patience, pass: (ms: number) => (now += ms) };
}

it("asks each time later, up to a limit, and anew once it is forgotten", () => {
  const { isDue, later, forget, pass } = open();
  for (const pauseMs of [1000, 1500, 2000, 2000]) {
    expect(isDue("a")).toBe(true);
    later("a");
    pass(pauseMs - 1);
    expect([isDue("a"), isDue("b")]).toEqual([false, true]);
    pass(1);
  }
  later("a");
  forget("a");
  expect(isDue("a")).toBe(true);
  later("a");
  pass(1000);
  expect(isDue("a")).toBe(true);
});

it("waits no longer because the clock was set back", () => {
  const { isDue, later, pass } = open();
  later("a");
  pass(-3_600_000);
  expect(isDue("a")).toBe(true);
  later("a");
  expect(isDue("a")).toBe(false);
});
