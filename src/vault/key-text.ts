/** What a key may look like, and what people give instead. Pure; no message holds any of it. */
import { DramatisError } from "../domain/errors.ts";
import { slugSchema } from "../domain/persona.ts";
import type { KeyKind } from "./vault-file.ts";

const LONGEST_KEY = 1000;

/** True of text that was meant to be secret: a usual beginning, or more letters and digits in a run than words have. */
export const looksLikeKey = (text: string): boolean =>
  /^((sk|rk|pk|sess)-|whsec_)/i.test(text) || /(?=\w*\d)[\w+/=]{24,}/.test(text);

/** A key as it is sent: one line of printable ASCII. `where` begins the sentence. */
export function checkedKey(text: string, where: string): string {
  const key = text.trim();
  const refuse = (message: string) => new DramatisError("invalid-argument", `${where} ${message}`);
  if (key === "") throw refuse("holds no key.");
  if (/^[A-Z][A-Z0-9_]*=/.test(key) || /^["'`]/.test(key)) {
    throw refuse("holds more than a key: leave out quotes and the name of a variable.");
  }
  if (/^[\x21-\x7e]+$/.test(key) && key.length <= LONGEST_KEY) return key;
  throw refuse("holds characters that no key has (spaces, line breaks or others). Copy the key again.");
}

/** A key to be kept, of the kind it is. */
export function checkedNewKey(text: string, kind: KeyKind): string {
  const key = checkedKey(text, "What was given");
  const refuse = (what: string, flag: string) =>
    new DramatisError("invalid-argument", `This is ${what}. Add it as one: dramatis keys add ${flag}`);
  if (kind !== "admin" && key.startsWith("sk-admin-")) throw refuse("an admin key", "--admin");
  if (kind !== "webhook" && key.startsWith("whsec_")) throw refuse("the secret of a webhook", "--webhook");
  return key;
}

/** A name for a key. One that looks like a key is not repeated. */
export function checkedName(name: string): string {
  if (looksLikeKey(name)) {
    throw new DramatisError(
      "invalid-argument",
      "What was given as the name looks like a key. A key in the command line is seen by other programs and kept in the shell's history: better replace it at the provider. Keys are read from standard input: dramatis keys add",
    );
  }
  if (slugSchema.safeParse(name).success) return name;
  const expected = "lower-case letters and digits, words joined by single hyphens";
  throw new DramatisError(
    "invalid-argument",
    `The name of a key: expected ${expected}, got ${JSON.stringify(name)}.`,
  );
}
