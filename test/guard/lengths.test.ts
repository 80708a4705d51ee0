import { describe, expect, it } from "vitest";
import { checkLengths, describeLength } from "../../src/guard/lengths.ts";

describe("checkLengths", () => {
  it("accepts what is exactly as long as allowed", () => {
    const limits = { maxMessageCharacters: 3, maxRequestCharacters: 6 };
    expect(checkLengths(["abc", "def"], limits)).toBeUndefined();
    expect(checkLengths([], limits)).toBeUndefined();
  });

  it("names the first message that is too long, and by how much", () => {
    const problem = checkLengths(["abc", "defg", "hijkl"], { maxMessageCharacters: 3 });
    expect(problem).toEqual({ index: 1, characters: 4, maxCharacters: 3 });
    expect(describeLength({ index: 1, characters: 120_000, maxCharacters: 100_000 })).toBe(
      "120,000 characters, 20,000 more than the 100,000 allowed",
    );
  });

  it("says that all together are too long when no message is", () => {
    const problem = checkLengths(["abc", "def"], { maxRequestCharacters: 5 });
    expect(problem).toEqual({ index: undefined, characters: 6, maxCharacters: 5 });
  });

  it("allows 100,000 characters a message and 1,000,000 a request unless told otherwise", () => {
    const message = { length: 100_000 };
    expect(checkLengths(Array(10).fill(message))).toBeUndefined();
    expect(checkLengths([{ length: 100_001 }])?.maxCharacters).toBe(100_000);
    expect(checkLengths([...Array(10).fill(message), "a"])?.maxCharacters).toBe(1_000_000);
  });
});
