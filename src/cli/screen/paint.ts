/** Colours and weights. Whether to paint at all is the caller's decision, never the stream's. */
import { styleText } from "node:util";

/** `speaker` counts the position in the cast from 0. */
export type Style = "strong" | "quiet" | "good" | "warning" | "failure" | { speaker: number };

/**
 * Numbers of the 256-colour palette for the speakers, in the order of the cast. Each has a contrast of at least 3.6 to 1
 * against both black and white (WCAG 2 relative luminance), which the 16 named colours, being the theme's, do not
 * promise; neighbours are far apart in hue. Orange and red are kept for warnings and failures.
 */
export const SPEAKER_COLOURS: readonly number[] = [27, 28, 163, 100, 99, 30, 132, 94];
const GOOD = 28;
const WARNING = 166;
const FAILURE = 160;

const colour = (number: number, text: string) => `\u001B[38;5;${number}m${text}\u001B[39m`;
const weigh = (weight: "bold" | "dim", text: string) => styleText(weight, text, { validateStream: false });

export function paint(text: string, style: Style | undefined): string {
  if (style === undefined || text.trim() === "") return text;
  if (typeof style === "object") {
    return weigh("bold", colour(SPEAKER_COLOURS[style.speaker % SPEAKER_COLOURS.length] ?? 0, text));
  }
  switch (style) {
    case "strong":
      return weigh("bold", text);
    case "quiet":
      return weigh("dim", text);
    case "good":
      return weigh("bold", colour(GOOD, text));
    case "warning":
      return colour(WARNING, text);
    case "failure":
      return weigh("bold", colour(FAILURE, text));
  }
}
