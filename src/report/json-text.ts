/** JSON as this package writes and prints it: a terminal or an editor that shows it can be told nothing by it. */

/** Delete and the C1 controls, other programs' line ends, and what reorders text; JSON itself escapes the C0 controls. */
const UNSAFE = /[\u007F-\u009F\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu;

const safe = (json: string): string =>
  json.replace(UNSAFE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** `JSON.stringify` with these characters, which can stand in strings only, as `\uXXXX`; parsing gives the same value. */
export const jsonText = (value: unknown, indent?: number): string =>
  safe(JSON.stringify(value, null, indent));

/** The same, where what is unknown is undefined: it is there as null, since a key that is missing is easily taken for 0. */
export const jsonWithNulls = (value: object): string =>
  safe(JSON.stringify(value, (_, one: unknown) => one ?? null));
