/** The cache in memory keeps to its bounds of time and size. */
import { expect, it } from "vitest";
import { createMemoryCache } from "../../src/model/memory-cache.ts";
import { completion } from "./sample-exchange.ts";

it("forgets an answer when its time is over", async () => {
  let now = 0;
  const cache = createMemoryCache({ clock: () => now });
  await cache.set("a", completion("Fix exports."));
  now = 300_000;
  expect(await cache.get("a")).toEqual(completion("Fix exports."));
  now = 300_001;
  expect(await cache.get("a")).toBeUndefined();
});

it("drops what was used longest ago when bytes run out, and never holds more", async () => {
  const one = JSON.stringify(completion("é".repeat(1000)));
  const cache = createMemoryCache({ maxBytes: 2 * (Buffer.byteLength(one) + 300) });
  const answer = completion("é".repeat(1000));
  await cache.set("a", answer);
  await cache.set("b", answer);
  await cache.get("a");
  await cache.set("c", answer);
  const held = await Promise.all(["a", "b", "c"].map((key) => cache.get(key)));
  expect(held.map((found) => found !== undefined)).toEqual([true, false, true]);
  await cache.set("d", completion("é".repeat(10_000)));
  expect(await cache.get("d")).toBeUndefined();
});

it("hands out copies", async () => {
  const cache = createMemoryCache();
  const answer = completion("Fix exports.");
  await cache.set("a", answer);
  answer.choices = [];
  const first = await cache.get("a");
  if (first !== undefined) first.choices = [];
  expect(await cache.get("a")).toEqual(completion("Fix exports."));
});

it.each([{ ttlMs: 0 }, { maxBytes: -1 }, { ttlMs: Number.NaN }, { maxBytes: 1.5 }])(
  "refuses %j",
  (options) => {
    expect(() => createMemoryCache(options)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  },
);
