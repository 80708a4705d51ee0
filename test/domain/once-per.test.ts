import { describe, expect, it } from "vitest";
import { oncePer } from "../../src/domain/once-per.ts";

describe("oncePer", () => {
  it("makes one thing of each object, and of an equal object another", () => {
    const made: string[] = [];
    const nameOf = oncePer(({ name }: { name: string }) => {
      made.push(name);
      return { name };
    });
    const [ada, other] = [{ name: "ada" }, { name: "ada" }];
    expect(nameOf(ada)).toBe(nameOf(ada));
    expect(nameOf(other)).not.toBe(nameOf(ada));
    expect(made).toEqual(["ada", "ada"]);
  });

  it("remembers what is empty or 0 as well", () => {
    let calls = 0;
    const sizeOf = oncePer((list: readonly unknown[]) => {
      calls += 1;
      return list.length;
    });
    const none: unknown[] = [];
    expect([sizeOf(none), sizeOf(none), calls]).toEqual([0, 0, 1]);
  });
});
