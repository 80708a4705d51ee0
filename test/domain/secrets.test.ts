/** Keys are removed once and for all: what was cleaned is clean, and stays as it is. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { withoutKey, withoutKeyShapes, withoutKeys } from "../../src/domain/secrets.ts";

const piece = fc.oneof(
  fc.constantFrom(
    "bearer ",
    "Bearer\n",
    "api key: ",
    "API-KEY is: ",
    "apikey ",
    "[key removed]",
    " ",
    ":",
    "\n",
  ),
  fc.constantFrom("sk-abcdef0123", "rk-x", "sess-......", "own-key-0123456789", "of bad news"),
  fc.string({ maxLength: 5 }),
);
const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));

it("changes nothing more when it is applied again", () => {
  fc.assert(
    fc.property(text, (said) => {
      const once = withoutKeys(said, "own-key-0123456789");
      expect(withoutKeys(once)).toBe(once);
      expect(withoutKeys(withoutKeyShapes(said, "own-key-0123456789"))).toBe(once);
      expect(once).not.toContain("own-key-0123456789");
      expect(once).not.toMatch(/\bsk-[a-z0-9]{6}/);
    }),
    { numRuns: 2000 },
  );
});

it("keeps the address and the full stop of the sentence that tells of a wrong key", () => {
  const said =
    "Incorrect API key provided: sk-proj-abcd****wxyz. You can find your API key at https://x.example/keys.";
  expect(withoutKeys(said)).toBe(
    "Incorrect API key provided: [key removed]. You can find your API key at https://x.example/keys.",
  );
});

it("leaves words that only speak of keys where shapes alone are meant", () => {
  const said = "The bearer of bad news asks for an api key: rotate it, and sk-2 too.";
  expect(withoutKeyShapes(said)).toBe(said);
});

it("removes a key from data, also one with characters that JSON escapes", () => {
  const key = 'own"key\\0123456789';
  expect(withoutKey({ said: [`It is ${key}.`] }, key)).toEqual({ said: ["It is [key removed]."] });
});
