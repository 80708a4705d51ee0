/** How requests travel where nobody says: money saved beside hours waited. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chooseTransport, chosenByUrgency, type Prospect } from "../../src/simulation/choose-transport.ts";

const HOUR_MS = 3_600_000;
const dollars = (amount: number) => amount * 1e9;

const prospect = (changed: Partial<Prospect> = {}): Prospect => ({
  costNanoUsd: dollars(48),
  batchNanoUsd: dollars(24),
  waves: 24,
  networkMs: undefined,
  batchMs: undefined,
  ...changed,
});
const chosen = (changed?: Partial<Prospect>) => chooseTransport(prospect(changed)).transport;

describe("at urgency normal", () => {
  it("is the batch from a dollar for each hour on", () => {
    expect(chosen()).toBe("batch");
    expect(chosen({ waves: 25 })).toBe("network");
    expect(chosen({ costNanoUsd: dollars(47.99) })).toBe("network");
  });

  it("counts only the hours that the network would spare", () => {
    expect(chosen({ waves: 30, networkMs: 6 * HOUR_MS })).toBe("batch");
    expect(chosen({ waves: 30, networkMs: 6 * HOUR_MS - 1 })).toBe("network");
    // Sent one by one it would take longer.
    expect(chosen({ costNanoUsd: 2, batchNanoUsd: 1, waves: 3, networkMs: 3 * HOUR_MS })).toBe("batch");
  });

  it("waits for the days that a limit of batch tokens takes", () => {
    expect(chosen({ batchMs: 24 * HOUR_MS })).toBe("batch");
    expect(chosen({ batchMs: 48 * HOUR_MS })).toBe("network");
  });

  it("is the network where what would be saved is not known", () => {
    for (const unknown of [{ costNanoUsd: undefined }, { batchNanoUsd: undefined }])
      expect(chooseTransport(prospect(unknown))).toMatchObject({
        transport: "network",
        why: expect.stringContaining("no price"),
      });
  });

  it("says what a batch saves and takes, and what would be instead", () => {
    expect(chooseTransport(prospect({ networkMs: 12 * 60_000 })).why).toBe(
      "By batch: it saves about $24.0000 of $48.0000 and takes about 24 hours, at an hour for each of some 24 waves instead of 12 minutes at this account's limits.",
    );
    expect(chooseTransport(prospect({ batchNanoUsd: dollars(47) })).why).toBe(
      "Sent one by one: a batch would save about $1.0000 of $48.0000 and take about 24 hours, at an hour for each of some 24 waves, and at urgency normal an hour is to save a dollar. By batch all the same: --urgency low",
    );
  });

  it("stays the batch with more conversations, and with tighter limits", () => {
    const amount = fc.integer({ min: 1, max: 10 ** 12 });
    const whole = fc.integer({ min: 1, max: 200 });
    fc.assert(
      fc.property(amount, whole, whole, whole, (costNanoUsd, waves, times, hours) => {
        const few = {
          costNanoUsd: 2 * costNanoUsd,
          batchNanoUsd: costNanoUsd,
          waves,
          networkMs: hours * HOUR_MS,
        };
        const many = { ...few, costNanoUsd: 2 * costNanoUsd * times, batchNanoUsd: costNanoUsd * times };
        const tighter = { ...few, networkMs: few.networkMs * times };
        if (chosen(few) === "batch") expect([chosen(many), chosen(tighter)]).toEqual(["batch", "batch"]);
      }),
    );
  });
});

describe("urgency", () => {
  it("decides alone where it is high or low", () => {
    expect(chosenByUrgency("high")?.transport).toBe("network");
    expect(chosenByUrgency("low")?.transport).toBe("batch");
    expect(chosenByUrgency("normal")).toBeUndefined();
  });
});
