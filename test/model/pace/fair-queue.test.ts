import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFairQueue, type Entry } from "../../../src/model/pace/fair-queue.ts";
import type { Priority } from "../../../src/model/pace/permit.ts";

interface Named extends Entry {
  name: string;
}

const entry = (name: string, conversation?: string, priority: Priority = "bulk"): Named => ({
  name,
  conversation,
  priority,
});

function queueOf(...entries: readonly Named[]) {
  const queue = createFairQueue<Named>();
  for (const one of entries) queue.push(one);
  return queue;
}

function drain(queue: ReturnType<typeof queueOf>): string[] {
  const names: string[] = [];
  for (let one = queue.take(); one !== undefined; one = queue.take()) names.push(one.name);
  return names;
}

describe("turns", () => {
  it("go round the conversations, whatever number of requests each has waiting", () => {
    const many = Array.from({ length: 1000 }, (_, index) => entry(`a${index}`, "a"));
    const queue = queueOf(...many, entry("b0", "b"), entry("c0", "c"), entry("c1", "c"));
    expect(drain(queue).slice(0, 6)).toEqual(["a0", "b0", "c0", "a1", "c1", "a2"]);
  });

  it("count requests without a conversation as one", () => {
    expect(drain(queueOf(entry("x0"), entry("x1"), entry("a0", "a")))).toEqual(["x0", "a0", "x1"]);
  });

  it("go to interactive ones first, and every eighth to a bulk one", () => {
    const interactive = Array.from({ length: 16 }, (_, index) => entry(`i${index}`, "a", "interactive"));
    const names = drain(queueOf(entry("b0", "b"), entry("b1", "b"), ...interactive));
    expect(names.indexOf("b0")).toBe(7);
    expect(names.indexOf("b1")).toBe(15);
  });

  it("leave the place of one who goes free", () => {
    const [a0, b0] = [entry("a0", "a"), entry("b0", "b")];
    const queue = queueOf(a0, entry("a1", "a"), b0);
    expect(queue.remove(a0)).toBe(true);
    expect(queue.remove(a0)).toBe(false);
    expect(queue.remove(b0)).toBe(true);
    expect(queue.size).toBe(1);
    expect(drain(queue)).toEqual(["a1"]);
  });

  it("peek says who is taken, each entry is taken once, and none of a conversation overtakes another of it", () => {
    const entries = fc.array(
      fc.record({
        conversation: fc.constantFrom("a", "b", "c", undefined),
        priority: fc.constantFrom<Priority>("interactive", "bulk"),
        isRemoved: fc.boolean(),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(entries, (all) => {
        const named = all.map((one, index) => ({ ...one, name: String(index) }));
        const queue = createFairQueue<(typeof named)[number]>();
        for (const one of named) queue.push(one);
        const stay = named.filter((one) => !one.isRemoved || !queue.remove(one));
        expect(queue.size).toBe(stay.length);
        const taken: typeof named = [];
        for (let next = queue.peek(); next !== undefined; next = queue.peek()) {
          expect(queue.take()).toBe(next);
          taken.push(next);
        }
        expect(taken).toHaveLength(stay.length);
        expect(new Set(taken)).toEqual(new Set(stay));
        const lines = Map.groupBy(taken, ({ conversation, priority }) => `${conversation} ${priority}`);
        for (const line of lines.values()) {
          const order = line.map(({ name }) => Number(name));
          expect(order).toEqual(order.toSorted((a, b) => a - b));
        }
      }),
    );
  });
});
