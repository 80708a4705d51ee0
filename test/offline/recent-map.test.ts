import { expect, it } from "vitest";
import { RecentMap } from "../../src/offline/recent-map.ts";

it("never holds more than two generations", () => {
  const map = new RecentMap<number, string>(10);
  for (let key = 0; key < 1000; key++) map.set(key, "x");
  expect(map.size).toBeLessThanOrEqual(20);
});

it("keeps what is used and forgets what is not", () => {
  const map = new RecentMap<string, number>(3);
  map.set("used", 1);
  map.set("unused", 2);
  for (let key = 0; key < 20; key++) {
    expect(map.get("used")).toBe(1);
    map.set(`filler ${key}`, key);
  }
  expect(map.get("unused")).toBeUndefined();
});

it("counts an entry by its weight", () => {
  const map = new RecentMap<string, number>(100);
  map.set("heavy", 1, 90);
  map.set("second", 2, 90);
  map.set("third", 3, 90);
  expect(map.get("heavy")).toBeUndefined();
  expect(map.get("third")).toBe(3);
});
