/** Seeds, and seeded randomness without state: the same parts always give the same number, in any order of calls. */

/** A seed where none was given: 31 random bits, new at every call. */
export const drawSeed = (): number => Math.floor(Math.random() * 2 ** 31);

/** 32-bit FNV-1a over the parts, finished with murmur3's mixer so that neighbours differ in every bit. */
export function hash32(...parts: readonly (string | number)[]): number {
  let hash = 0x811c9dc5;
  for (const char of parts.join("\u0000")) {
    hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A number in [0, 1) drawn from the parts. */
export function randomShare(...parts: readonly (string | number)[]): number {
  return hash32(...parts) / 2 ** 32;
}
