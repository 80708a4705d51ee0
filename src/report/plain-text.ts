/** Text from outside (a model, a file, an error) made safe to show: nothing in it can act on a terminal or reorder a line. */

/** Embeddings, overrides and isolates, which reorder what stands around them; and the byte order mark. */
const REORDERING = /[\u202A-\u202E\u2066-\u2069\uFEFF]/gu;
const LINE_BREAKS = /\r\n?|[\u0085\u2028\u2029]/gu;
const CONTROL_OR_BROKEN = /[^\P{Cc}\n]|\p{Cs}/gu;

/** The visible picture of a C0 control (ESC becomes ␛); what has none becomes the replacement character. */
function picture(char: string): string {
  const code = char.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "\u2421" : "\uFFFD";
}

/**
 * The same words without anything a terminal would obey: control characters become visible pictures (an escape
 * sequence shows as `␛[2J`), every line break becomes `\n`, tabs become spaces, and characters that reorder text go.
 * Applying it twice changes nothing more.
 */
export function plainText(text: string): string {
  return text
    .replace(LINE_BREAKS, "\n")
    .replaceAll("\t", "    ")
    .replace(CONTROL_OR_BROKEN, picture)
    .replace(REORDERING, "");
}

/** `plainText` on one line: every run of white space is one space, none at the ends. */
export function plainLine(text: string): string {
  return plainText(text).replace(/\s+/gu, " ").trim();
}
