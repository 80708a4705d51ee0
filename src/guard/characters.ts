/**
 * Characters that no text needs and that can deceive: controls, which a terminal obeys; bidirectional overrides and
 * isolates, which make a line read otherwise than it is (CVE-2021-42574); tags, which are invisible to people and legible to
 * models; halves of characters. Zero-width joiners, marks and spaces stay: emoji and many scripts are written with them.
 */

export interface OddCharacter {
  /** Where it stands, in UTF-16 code units. */
  index: number;
  codePoint: number;
}

/** Cheap and complete: every character of {@link ODD} has a code unit in here. */
const CANDIDATE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what it looks for
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\udb40]|(?<![\ud800-\udbff])[\udc00-\udfff]|[\ud800-\udbff](?![\udc00-\udfff])/;

/** Flags of regions (England, Texas) are a black flag with tags; Unicode Technical Standard 51, ED-14a. */
const FLAG = "\\u{1F3F4}[\\u{E0030}-\\u{E0039}\\u{E0061}-\\u{E007A}]{3,6}\\u{E007F}";
const ODD = new RegExp(
  `${FLAG}|[\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069\\u{E0000}-\\u{E007F}]|[^\\P{Cc}\\t\\n\\r]|\\p{Cs}`,
  "gu",
);

/** These end a line or a page: without a space the words around them would become one. */
const BREAKS: readonly string[] = ["\u000b", "\u000c", "\u0085", "\u2028", "\u2029"];

const isFlag = (match: string) => match.length > 2;

/** All odd characters of a text, in its order. */
export function findCharacters(text: string): OddCharacter[] {
  if (!CANDIDATE.test(text)) return [];
  return Array.from(text.matchAll(ODD)).flatMap(({ 0: match, index }) =>
    isFlag(match) ? [] : [{ index, codePoint: match.codePointAt(0) ?? 0 }],
  );
}

/** The text without them; breaks become spaces. Applying it twice changes nothing more. */
export function stripCharacters(text: string): string {
  if (!CANDIDATE.test(text)) return text;
  return text.replace(ODD, (match) => {
    if (isFlag(match)) return match;
    return BREAKS.includes(match) ? " " : "";
  });
}

const NAMES: Readonly<Record<number, string>> = {
  0: "null",
  7: "bell",
  8: "backspace",
  27: "escape",
  127: "delete",
  133: "next line",
  8232: "line separator",
  8233: "paragraph separator",
  8234: "left-to-right embedding",
  8235: "right-to-left embedding",
  8236: "pop directional formatting",
  8237: "left-to-right override",
  8238: "right-to-left override",
  8294: "left-to-right isolate",
  8295: "right-to-left isolate",
  8296: "first strong isolate",
  8297: "pop directional isolate",
};

function nameOf(codePoint: number): string {
  if (codePoint >= 0xe0000) return "invisible tag";
  if (codePoint >= 0xd800) return "half a character";
  return NAMES[codePoint] ?? "control character";
}

/** `U+202E (right-to-left override)`. */
export const describeCharacter = (codePoint: number): string =>
  `U+${codePoint.toString(16).toUpperCase().padStart(4, "0")} (${nameOf(codePoint)})`;

/** More kinds than this make no better notice. */
const MAX_NAMED = 3;

/** `U+001B (escape), U+202E (right-to-left override)`; of many kinds the first. */
export function describeCharacters(found: readonly OddCharacter[]): string {
  const kinds = [...new Set(found.map(({ codePoint }) => codePoint))];
  const named = kinds.slice(0, MAX_NAMED).map(describeCharacter).join(", ");
  return kinds.length > MAX_NAMED ? `${named} and ${kinds.length - MAX_NAMED} more` : named;
}
