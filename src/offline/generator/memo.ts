/** Remembers results of pure functions, so that what all turns of a conversation share is worked out once. */

/** `make` must depend on its arguments alone, and nobody may change what it returns. `limit`: most results kept. */
export function remembered<In, Out>(
  limit: number,
  keyOf: (input: In) => string,
  make: (input: In) => Out,
): (input: In) => Out {
  const results = new Map<string, Out>();
  return (input) => {
    const key = keyOf(input);
    const known = results.get(key);
    if (known !== undefined) return known;
    if (results.size >= limit) results.clear();
    const made = make(input);
    results.set(key, made);
    return made;
  };
}
