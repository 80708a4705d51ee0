/** What goes on the record of a failed attempt: at which tier it was sent, and to whom. */
import { expect, it } from "vitest";
import { failedAttempt } from "../../src/model/failed-attempt.ts";
import { exchange } from "./sample-exchange.ts";

const failure = { code: "unreachable", mayBeBilled: true } as const;
const place = { attempt: 1, waitMs: undefined, boundNanoUsd: 70 };

it.each([
  ["standard", "standard"],
  ["flex", "flex"],
  ["flex", "standard"],
  ["batch", "batch"],
] as const)("an attempt asked for at %s and sent at %s names the latter", (askedTier, tier) => {
  expect(failedAttempt(exchange({ askedTier, tier }), failure, place)).toMatchObject({ tier });
});

it("an attempt says where the offline server was asked, and nothing where it was not", () => {
  expect(failedAttempt(exchange({ isOffline: true }), failure, place)).toMatchObject({ offline: true });
  expect(failedAttempt(exchange(), failure, place)).not.toHaveProperty("offline");
});
