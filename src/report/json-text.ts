/** JSON as this package writes and prints it: a terminal or an editor that shows it can be told nothing by it. */

/** Delete and the C1 controls, other programs' line ends, and what reorders text; JSON itself escapes the C0 controls. */
const UNSAFE = /[\u007F-\u009F\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu;

/** `JSON.stringify` with these characters, which can stand in strings only, as `\uXXXX`; parsing gives the same value. */
export const jsonText = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(
    UNSAFE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
