/**
 * Reads one text field of a JSON object that arrives in pieces, as it grows. Own code: parsers of partial JSON read
 * everything again at every piece, and a long answer comes in thousands of them.
 */

/** Takes the next piece of the JSON text; returns what it adds to the field's decoded text. */
export type FieldReader = (piece: string) => string;

/** Where the reader is: between the parts of the object, in a value that is no text, or past all that matters. */
type Place = "start" | "key" | "colon" | "value" | "comma" | "literal" | "nested" | "over";

const SPACE = /[ \t\n\r]/;
const HEX = /^[0-9a-fA-F]+$/;
/** Ordinary characters of a JSON string. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what ends a run.
const RUN = /[^"\\\u0000-\u001f]+/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

const isHigh = (unit: string) => unit >= "\uD800" && unit <= "\uDBFF";

/**
 * A reader of the first top-level field of that name. What it returns adds up to the text that JSON.parse would find,
 * and never ends in half a surrogate pair. Where the text is no JSON object, or the field no text, it says no more; it
 * never throws. Its work is in proportion to the text.
 */
export function stringFieldReader(field: string): FieldReader {
  let place: Place = "start";
  let depth = 0;
  let isInString = false;
  /** What has come of an escape, after its backslash. */
  let coded: string | undefined;
  let key = "";
  /** The first half of a pair whose second is still to come. */
  let half = "";
  let told = "";

  const isKey = () => place === "key";
  const isTold = () => place === "value";

  /** Decoded characters of the string the reader is in. */
  function take(text: string): void {
    // A longer key is another one; of a huge one, no more is kept than shows it.
    if (isKey()) key = key.length > field.length ? key : key + text;
    else if (isTold()) {
      const whole = half + text;
      half = isHigh(whole.at(-1) ?? "") ? (whole.at(-1) ?? "") : "";
      told += half === "" ? whole : whole.slice(0, -1);
    }
  }

  function endString(): void {
    isInString = false;
    if (isKey()) place = "colon";
    else if (isTold()) {
      told += half;
      place = "over";
    }
  }

  function readEscape(char: string, begun: string): void {
    const now = begun + char;
    coded = now;
    if (now[0] !== "u") {
      const decoded = ESCAPES[now];
      coded = undefined;
      if (decoded === undefined) place = "over";
      else take(decoded);
    } else if (now.length > 1 && !HEX.test(char)) place = "over";
    else if (now.length === 5) {
      coded = undefined;
      take(String.fromCharCode(Number.parseInt(now.slice(1), 16)));
    }
  }

  /** Reads on in a string; returns the index after what was read. */
  function readString(piece: string, from: number): number {
    const char = piece[from] ?? "";
    if (coded !== undefined) readEscape(char, coded);
    else if (char === '"') endString();
    else if (char === "\\") coded = "";
    else {
      RUN.lastIndex = from;
      const run = RUN.exec(piece)?.[0];
      if (run === undefined) {
        place = "over"; // A bare control character.
        return piece.length;
      }
      take(run);
      return from + run.length;
    }
    return from + 1;
  }

  /** One character outside strings. */
  function step(char: string): void {
    if (place === "nested") {
      if (char === '"') isInString = true;
      else if (char === "{" || char === "[") depth += 1;
      else if ((char === "}" || char === "]") && --depth === 0) place = "comma";
      return;
    }
    if (place === "literal") {
      if (char === ",") place = "key";
      else if (char === "}") place = "over";
      return;
    }
    if (SPACE.test(char)) return;
    if (place === "start" && char === "{") place = "key";
    else if (place === "key" && char === '"') {
      key = "";
      isInString = true;
    } else if (place === "colon" && char === ":") place = "value";
    else if (place === "value") beginValue(char);
    else if (place === "comma" && char === ",") place = "key";
    else place = "over";
  }

  function beginValue(char: string): void {
    if (char === '"') {
      isInString = true;
      if (key !== field) place = "comma"; // Text of another field: after it comes a comma.
    } else if (key === field) place = "over";
    else if (char === "{" || char === "[") {
      place = "nested";
      depth = 1;
    } else place = "literal";
  }

  return (piece) => {
    told = "";
    for (let at = 0; at < piece.length && place !== "over"; ) {
      if (isInString) at = readString(piece, at);
      else step(piece[at++] ?? "");
    }
    return told;
  };
}
