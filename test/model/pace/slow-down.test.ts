import { describe, expect, it } from "vitest";
import { createSlowDown } from "../../../src/model/pace/slow-down.ts";

const most = () => 1;

describe("pauses", () => {
  it("honour what the provider says, also over a minute, with a little jitter", () => {
    const slow = createSlowDown(most);
    slow.rejected({ epoch: 0, now: 0, retryAfterMs: 90_000, observed: undefined });
    expect(slow.holdUntil).toBe(91_000);
    const exact = createSlowDown(() => 0);
    exact.rejected({ epoch: 0, now: 0, retryAfterMs: 90_000, observed: undefined });
    expect(exact.holdUntil).toBe(90_000);
  });

  it("double without a word from the provider, up to a minute, and begin anew after an answer", () => {
    const slow = createSlowDown(most);
    const pauses: number[] = [];
    for (let now = 0; pauses.length < 8; now = slow.holdUntil) {
      slow.rejected({ epoch: slow.epoch, now, observed: undefined });
      pauses.push(slow.holdUntil - now);
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    slow.accepted(slow.epoch);
    const now = slow.holdUntil;
    slow.rejected({ epoch: slow.epoch, now, observed: undefined });
    expect(slow.holdUntil - now).toBe(1000);
  });

  it("have full jitter", () => {
    const slow = createSlowDown(() => 0.25);
    slow.rejected({ epoch: 0, now: 0, observed: undefined });
    expect(slow.holdUntil).toBe(250);
  });

  it("are one for requests that left together, and as long as the longest that was named", () => {
    const slow = createSlowDown(most);
    for (const retryAfterMs of [undefined, undefined, 4000, 3000]) {
      slow.rejected({ epoch: 0, now: 0, retryAfterMs, observed: undefined });
    }
    expect(slow.epoch).toBe(1);
    expect(slow.holdUntil).toBe(5000);
  });

  it("do not end their growth for an answer to what left before", () => {
    const slow = createSlowDown(most);
    slow.rejected({ epoch: 0, now: 0, observed: undefined });
    slow.accepted(0);
    slow.rejected({ epoch: 1, now: 1000, observed: undefined });
    expect(slow.holdUntil).toBe(3000);
  });

  it.each([0, -1, Number.NaN])("grow by themselves when %d is named", (retryAfterMs) => {
    const slow = createSlowDown(most);
    slow.rejected({ epoch: 0, now: 0, retryAfterMs, observed: undefined });
    expect(slow.holdUntil).toBe(1000);
  });

  it("are a day at most", () => {
    const slow = createSlowDown(() => 0);
    slow.rejected({ epoch: 0, now: 0, retryAfterMs: Number.POSITIVE_INFINITY, observed: undefined });
    expect(slow.holdUntil).toBe(86_400_000);
  });
});

describe("the pace after rejections", () => {
  it("is what went out lately, halves each time, comes back evenly and is forgotten at double", () => {
    const slow = createSlowDown(() => 0);
    expect(slow.paceAt(0)).toBeUndefined();
    slow.rejected({ epoch: 0, now: 0, observed: 6000 });
    expect(slow.paceAt(0)).toBe(6000);
    slow.rejected({ epoch: 1, now: 0, observed: 6000 });
    expect(slow.paceAt(0)).toBe(3000);
    const steps = [1000, 2000, 3000].map((now) => slow.paceAt(now));
    expect(steps).toEqual([3150, 3300, 3450].map((pace) => expect.closeTo(pace, 6)));
    expect(slow.paceAt(20_000)).toBeUndefined();
  });

  it("is not concluded to be very low from a few requests", () => {
    const slow = createSlowDown(() => 0);
    slow.rejected({ epoch: 0, now: 0, observed: 30 });
    expect(slow.paceAt(0)).toBe(600);
    for (let epoch = 1; epoch < 10; epoch++) slow.rejected({ epoch, now: 0, observed: 30 });
    expect(slow.paceAt(0)).toBe(60);
  });

  it("is the limit's where one is known", () => {
    const slow = createSlowDown(() => 0);
    slow.rejected({ epoch: 0, now: 0, observed: undefined });
    expect(slow.paceAt(0)).toBeUndefined();
  });
});
