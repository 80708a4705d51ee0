/** A secret from a terminal or a pipe. */
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { readSecret } from "../../src/cli/secret-input.ts";

function input(isTTY: boolean) {
  const stdin = Object.assign(new PassThrough(), {
    isTTY,
    isRaw: false,
    setRawMode(isRaw: boolean) {
      this.isRaw = isRaw;
      return this;
    },
  });
  const shown = { text: "" };
  const given = readSecret("Key: ", {
    stdin,
    writeError: (text) => {
      shown.text += text;
    },
  });
  return { stdin, shown, given };
}

describe("a pipe", () => {
  it.each([
    ["one line\n", "one line"],
    ["no line break", "no line break"],
    ["first\r\nsecond\n", "first"],
    ["\nsecond", ""],
    ["", ""],
  ])("%j gives %j and shows nothing", async (text, expected) => {
    const { stdin, shown, given } = input(false);
    stdin.end(text);
    expect(await given).toBe(expected);
    expect(shown.text).toBe("");
  });

  it("is not waited for beyond its first line, nor read without end", async () => {
    const open = input(false);
    open.stdin.write("fir");
    open.stdin.write("st\nsec");
    expect(await open.given).toBe("first");
    const endless = input(false);
    for (let n = 0; n < 100; n++) endless.stdin.write("x".repeat(1024));
    expect((await endless.given)?.length).toBeLessThanOrEqual(66 * 1024);
  });
});

describe("a terminal", () => {
  it("takes the keys itself while it asks, and shows the prompt alone", async () => {
    const { stdin, shown, given } = input(true);
    expect(stdin.isRaw).toBe(true);
    stdin.write("sk-x");
    stdin.write("y\u007fz\r");
    expect(await given).toBe("sk-xz");
    expect(shown.text).toBe("Key: \n");
    expect(stdin.isRaw).toBe(false);
  });

  it("gives nothing at its end, and undefined at Ctrl-C", async () => {
    const ended = input(true);
    ended.stdin.write("\u0004");
    expect(await ended.given).toBe("");
    const pressed = input(true);
    pressed.stdin.write("sk-x\u0003");
    expect(await pressed.given).toBeUndefined();
    expect(pressed.stdin.isRaw).toBe(false);
  });
});
