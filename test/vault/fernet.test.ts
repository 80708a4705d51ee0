/**
 * Fernet against the specification's own vectors: fernet/generate.json, verify.json and invalid.json are those of
 * https://github.com/fernet/spec, unchanged.
 */
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type FernetFault,
  type FernetKeys,
  fernetKey,
  newFernetKey,
  open,
  reseal,
  seal,
} from "../../src/vault/fernet.ts";
import generate from "./fernet/generate.json" with { type: "json" };
import invalid from "./fernet/invalid.json" with { type: "json" };
import verify from "./fernet/verify.json" with { type: "json" };

function keysOf(...texts: string[]): FernetKeys {
  const [first, ...rest] = texts.map((text) => {
    const key = fernetKey(text);
    if (key === undefined) throw new Error("not a key");
    return key;
  });
  if (first === undefined) throw new Error("no key");
  return [first, ...rest];
}

const at = (time: string) => () => Date.parse(time);
const flipped = (bytes: Buffer, index: number) => {
  bytes[index] = (bytes[index] ?? 0) ^ 1;
  return `${bytes.toString("base64url")}`.padEnd(Math.ceil(bytes.length / 3) * 4, "=");
};

describe("the specification's vectors", () => {
  it.each(generate)("generate: $src becomes the given token", ({ token, now, iv, src, secret }) => {
    const options = { clock: at(now), random: () => Uint8Array.from(iv) };
    expect(seal(Buffer.from(src), keysOf(secret), options)).toBe(token);
  });

  it.each(verify)("verify: the token becomes $src", ({ token, now, ttl_sec, src, secret }) => {
    const opened = open(token, keysOf(secret), { ttlSeconds: ttl_sec, clock: at(now) });
    expect(opened).toMatchObject({ ok: true, createdAt: Date.parse("1985-10-26T01:20:00-07:00") / 1000 });
    expect(opened.ok && opened.data.toString()).toBe(src);
  });

  const REASONS: Record<string, FernetFault> = {
    "incorrect mac": "wrong-mac",
    "too short": "too-short",
    "invalid base64": "not-base64url",
    "payload size not multiple of block size": "not-whole-blocks",
    "payload padding error": "wrong-padding",
    "far-future TS (unacceptable clock skew)": "from-the-future",
    "expired TTL": "expired",
    "incorrect IV (causes padding error)": "wrong-padding",
  };
  it.each(invalid)("invalid: $desc is refused for that", ({ desc, token, now, ttl_sec, secret }) => {
    const opened = open(token, keysOf(secret), { ttlSeconds: ttl_sec, clock: at(now) });
    expect(opened).toEqual({ ok: false, fault: REASONS[desc] });
  });

  it("are all there", () => {
    expect([generate.length, verify.length, invalid.length]).toEqual([1, 1, 8]);
    expect(invalid.map(({ desc }) => desc).sort()).toEqual(Object.keys(REASONS).sort());
  });
});

describe("a token", () => {
  const [old, other] = [newFernetKey(), newFernetKey()];

  it("gives back any data, under whichever of the keys made it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
        const opened = open(seal(data, keysOf(old)), keysOf(other, old));
        expect(opened.ok && [...opened.data]).toEqual([...data]);
      }),
    );
  });

  it("is refused when any one of its bits is changed", () => {
    const keys = keysOf(old);
    const length = Buffer.from(seal(Buffer.from("a key"), keys), "base64url").length;
    for (let index = 0; index < length; index++) {
      const bytes = Buffer.from(seal(Buffer.from("a key"), keys), "base64url");
      const fault = index === 0 ? "wrong-version" : "wrong-mac";
      expect(open(flipped(bytes, index), keys)).toEqual({ ok: false, fault });
    }
  });

  it("is refused, never thrown over, whatever text it is", () => {
    const keys = keysOf(old);
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => !open(text, keys).ok));
    const whole = seal(Buffer.from("a key"), keys);
    for (let length = 0; length < whole.length; length++) {
      expect(open(whole.slice(0, length), keys).ok).toBe(false);
    }
  });

  it.each([
    ["no padding", (token: string) => token.replace(/=+$/, "")],
    ["the other alphabet", (token: string) => token.replaceAll("-", "+").replaceAll("_", "/")],
    ["white space", (token: string) => ` ${token}`],
    ["a line break at the end", (token: string) => `${token}\n`],
    ["stray bits before the padding", (token: string) => token.replace(/.==$/, "B==")],
  ])("is refused with %s, which Node's decoder would let pass", (_, change) => {
    const token = changed(verify[0]?.token ?? "", change);
    expect(open(token, keysOf(verify[0]?.secret ?? ""))).toEqual({ ok: false, fault: "not-base64url" });
  });

  function changed(token: string, change: (token: string) => string): string {
    const result = change(token);
    expect(result).not.toBe(token);
    expect(Buffer.from(result, "base64url")).toHaveLength(Buffer.from(token, "base64url").length);
    return result;
  }

  it("has no age unless one is asked for; then 60 seconds of difference between clocks are allowed", () => {
    const keys = keysOf(old);
    const clock = () => 1_000_000_000;
    const token = seal(Buffer.from("x"), keys, { clock: () => 1_000_060_000 });
    const later = seal(Buffer.from("x"), keys, { clock: () => 1_000_061_000 });
    expect(open(later, keys, { clock }).ok).toBe(true);
    expect(open(token, keys, { clock, ttlSeconds: 1 }).ok).toBe(true);
    expect(open(later, keys, { clock, ttlSeconds: 1 })).toEqual({ ok: false, fault: "from-the-future" });
    const until = (ms: number) => open(token, keys, { clock: () => ms, ttlSeconds: 60 });
    expect([until(1_000_120_999).ok, until(1_000_121_000)]).toEqual([true, { ok: false, fault: "expired" }]);
  });

  it("keeps its time when it moves to another key, and leaves the old one behind", () => {
    const token = seal(Buffer.from("x"), keysOf(old), { clock: () => 5_000 });
    const moved = reseal(token, keysOf(other, old));
    if (!moved.ok) throw new Error(moved.fault);
    expect(open(moved.token, keysOf(other))).toMatchObject({ ok: true, createdAt: 5 });
    expect(open(moved.token, keysOf(old))).toEqual({ ok: false, fault: "wrong-mac" });
    expect(reseal(token, keysOf(other))).toEqual({ ok: false, fault: "wrong-mac" });
  });
});

describe("a key", () => {
  it("is 32 bytes in strict base64url, and new ones differ", () => {
    const text = newFernetKey();
    expect(text).toMatch(/^[\w-]{43}=$/);
    expect(newFernetKey()).not.toBe(text);
    for (const wrong of [
      "",
      text.slice(0, -1),
      `${text}=`,
      text.slice(4),
      `${text}AAAA`,
      text.replace(/^./, "+"),
    ])
      expect(fernetKey(wrong)).toBeUndefined();
  });

  it("does not show its bytes", () => {
    const bytes = Buffer.alloc(32, "MARKED");
    const key = fernetKey(newFernetKey(() => bytes));
    expect(key).toBeDefined();
    expect(inspect(key, { depth: 9, showHidden: true }) + JSON.stringify(key)).not.toMatch(
      /MARKED|4d 41 52|TUFS/,
    );
  });
});
