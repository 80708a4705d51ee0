/** Speakers' colours are readable and far enough apart. */
import { describe, expect, it } from "vitest";
import { paint, SPEAKER_COLOURS } from "../../../src/cli/screen/paint.ts";

/** The 6 x 6 x 6 cube of the 256-colour palette, as xterm defines it. */
const LEVELS = [0, 95, 135, 175, 215, 255];
function rgb(number: number): number[] {
  const place = number - 16;
  return [Math.floor(place / 36), Math.floor(place / 6) % 6, place % 6].map((level) => LEVELS[level] ?? 0);
}

/** Relative luminance as WCAG 2.2 defines it. */
function luminance(number: number): number {
  const [red = 0, green = 0, blue = 0] = rgb(number).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

describe("speakers' colours", () => {
  it("have a contrast of at least 3.6 to 1 on white and on black", () => {
    for (const number of SPEAKER_COLOURS) {
      expect(1.05 / (luminance(number) + 0.05)).toBeGreaterThanOrEqual(3.6);
      expect((luminance(number) + 0.05) / 0.05).toBeGreaterThanOrEqual(3.6);
    }
  });

  it("are all different, and neighbours differ by a good part of the cube", () => {
    expect(new Set(SPEAKER_COLOURS).size).toBe(SPEAKER_COLOURS.length);
    SPEAKER_COLOURS.forEach((number, index) => {
      const next = rgb(SPEAKER_COLOURS[(index + 1) % SPEAKER_COLOURS.length] ?? 0);
      const steps = rgb(number).map((value, channel) => (value - (next[channel] ?? 0)) ** 2);
      expect(Math.sqrt(steps.reduce((sum, step) => sum + step))).toBeGreaterThan(100);
    });
  });

  it("begin again after the last", () => {
    expect(paint("x", { speaker: SPEAKER_COLOURS.length })).toBe(paint("x", { speaker: 0 }));
  });
});

describe("paint", () => {
  it("closes what it opens", () => {
    expect(paint("x", "strong")).toBe("\u001B[1mx\u001B[22m");
    expect(paint("x", "warning")).toBe("\u001B[38;5;166mx\u001B[39m");
    expect(paint("x", { speaker: 0 })).toBe("\u001B[1m\u001B[38;5;27mx\u001B[39m\u001B[22m");
  });

  it("leaves unstyled and empty text alone", () => {
    expect(paint("x", undefined)).toBe("x");
    expect(paint("  ", "strong")).toBe("  ");
  });
});
