/** Keys go no further than the request they are sent with, even when a provider or an error echoes them. */

const REMOVED = "[key removed]";

/** Placeholders like `none` are no secrets. */
const SHORTEST_KEY = 12;

/** A text without what looks like a key, and without the given one. */
export const withoutKeys = (text: string, key?: string): string =>
  (key === undefined || key.length < SHORTEST_KEY ? text : text.replaceAll(key, REMOVED))
    .replace(/\b(?:sk|rk|pk|sess)-[A-Za-z0-9_*.-]{6,}/g, REMOVED)
    .replace(/(bearer\s+|api[ _-]?key[^:]{0,20}:\s*)\S+/gi, `$1${REMOVED}`);

/** A value of plain data with every occurrence of the key removed; the value itself when there is none. */
export function withoutKey<T>(value: T, key: string): T {
  if (key.length < SHORTEST_KEY) return value;
  const text = JSON.stringify(value);
  return text.includes(key) ? JSON.parse(text.replaceAll(key, REMOVED)) : value;
}
