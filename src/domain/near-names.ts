/** "Did you mean …": names close to one that is not known. */

function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substitution, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}

const bare = (name: string) => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

/** Up to `limit` of the known names, nearest first: those a few typing mistakes away, inside the name or around it. */
export function nearNames(name: string, known: readonly string[], limit = 3): string[] {
  const wanted = bare(name);
  const offered = known
    .map((candidate) => {
      const other = bare(candidate);
      const steps = distance(wanted, other);
      const shorter = Math.min(wanted.length, other.length);
      const isContained = shorter >= 2 && (other.includes(wanted) || wanted.includes(other));
      const isNear = steps < shorter && steps <= Math.max(2, Math.floor(candidate.length / 3));
      return { candidate, steps, isOffered: isContained || isNear };
    })
    .filter(({ isOffered }) => isOffered)
    .sort((a, b) => a.steps - b.steps || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, limit);
  const same = offered.filter(({ steps }) => steps === 0);
  return (same.length > 0 ? same : offered).map(({ candidate }) => candidate);
}

/** A sentence about an unknown name: `Did you mean a or b?` or, where none is near, `There are a, b, c.` */
export function hintFor(name: string, known: readonly string[]): string {
  const near = nearNames(name, known);
  return near.length > 0 ? `Did you mean ${near.join(" or ")}?` : `There are ${known.join(", ") || "none"}.`;
}
