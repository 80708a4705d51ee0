/** Keys go no further than the request they are sent with, even when a provider or an error echoes them. */

const REMOVED = "[key removed]";

/** Placeholders like `none` are no secrets. */
const SHORTEST_KEY = 12;

/** A text without what has the shape of a key, and without the given one. Applying it twice changes nothing more. */
export const withoutKeyShapes = (text: string, key?: string): string =>
  (key === undefined || key.length < SHORTEST_KEY ? text : text.replaceAll(key, REMOVED)).replace(
    /\b(?:(?:sk|rk|pk|sess)-[A-Za-z0-9_*.-]{5,}[A-Za-z0-9_*-]|whsec_[A-Za-z0-9+/=_-]{6,})/g,
    REMOVED,
  );

/** What follows words that announce a key, up to where one was removed before; `your API key at https://…` announces none. */
const CALLED_A_KEY = /(bearer\s+|api[ _-]?key[^:]{0,20}:(?!\/\/)\s*)(?:(?!\[key removed\])\S)+/gi;

/** The same, and without what is called a key. Applying it twice changes nothing more. */
export function withoutKeys(text: string, key?: string): string {
  let clean = withoutKeyShapes(text, key);
  // What was removed may uncover the words before it as an announcement of their own; a few rounds at most.
  for (;;) {
    const cleaner = clean.replace(CALLED_A_KEY, `$1${REMOVED}`);
    if (cleaner === clean) return clean;
    clean = cleaner;
  }
}

/** A value of plain data with every occurrence of the key removed; the value itself when there is none. */
export function withoutKey<T>(value: T, key: string): T {
  if (key.length < SHORTEST_KEY) return value;
  const text = JSON.stringify(value);
  // As JSON writes it: quotes and backslashes are escaped.
  const written = JSON.stringify(key).slice(1, -1);
  return text.includes(written) ? JSON.parse(text.replaceAll(written, REMOVED)) : value;
}

/** Plain data with every text changed, names of fields included. */
export function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [change(name), mapTexts(field, change)]),
  );
}
