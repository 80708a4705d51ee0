/**
 * Counts byte-pair tokens exactly, in time that grows with the text and not with the square of its longest run. Ranks
 * and pattern are js-tiktoken's; its own merging takes minutes for 50,000 letters without a space.
 */

/** What js-tiktoken's `ranks/…` modules hold. */
export interface RankTable {
  pat_str: string;
  /** Lines of `! first-rank token token …`, tokens in base64. */
  bpe_ranks: string;
}

export type TokenCounter = (text: string) => number;

/** Bytes as a string of characters 0 to 255: as a key of a map far smaller and faster than a list of numbers. */
const bytesOf = (text: string) => Buffer.from(text, "utf8").toString("latin1");

/** Words come again and again; a conversation has fewer than so many. */
const PIECES_KEPT = 20_000;
const LONGEST_PIECE_KEPT = 40;

function readRanks(table: string): { ranks: Map<string, number>; longest: number } {
  const ranks = new Map<string, number>();
  let longest = 0;
  for (const line of table.split("\n")) {
    if (line === "") continue;
    const [, first = "0", ...tokens] = line.split(" ");
    for (const [index, token] of tokens.entries()) {
      const bytes = Buffer.from(token, "base64").toString("latin1");
      ranks.set(bytes, Number(first) + index);
      longest = Math.max(longest, bytes.length);
    }
  }
  return { ranks, longest };
}

/** Least number first. */
class Heap {
  private readonly items: number[] = [];

  push(item: number): void {
    const { items } = this;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = items[above] ?? 0;
      if (parent <= item) break;
      items[at] = parent;
      at = above;
    }
    items[at] = item;
  }

  pop(): number | undefined {
    const { items } = this;
    const least = items[0];
    const moved = items.pop();
    if (moved === undefined || items.length === 0) return least;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if ((items[child + 1] ?? Number.POSITIVE_INFINITY) < (items[child] ?? 0)) child += 1;
      const below = items[child] ?? 0;
      if (below >= moved) break;
      items[at] = below;
      at = child;
    }
    items[at] = moved;
    return least;
  }
}

/** A rank and a place in one number: ordered by rank, then by place, as the encoding demands. */
const PLACES = 2 ** 32;

export function createTokenCounter({ pat_str, bpe_ranks }: RankTable): TokenCounter {
  const { ranks, longest } = readRanks(bpe_ranks);
  const pattern = new RegExp(pat_str, "gu");

  /** Tokens of a piece that is none itself: the pair of the lowest rank is merged until no pair has one. */
  function merged(bytes: string): number {
    const size = bytes.length;
    // A part is known by its first byte; `end` is where it ends, `before` where the part before it begins.
    const end = new Int32Array(size);
    const before = new Int32Array(size);
    const pairRank = new Int32Array(size).fill(-1);
    const heap = new Heap();
    const rankPair = (start: number) => {
      const next = end[start] ?? size;
      const pairEnd = next < size ? (end[next] ?? size) : -1;
      const rank =
        pairEnd < 0 || pairEnd - start > longest ? undefined : ranks.get(bytes.slice(start, pairEnd));
      pairRank[start] = rank ?? -1;
      if (rank !== undefined) heap.push(rank * PLACES + start);
    };
    for (let at = 0; at < size; at++) {
      end[at] = at + 1;
      before[at] = at - 1;
    }
    for (let at = 0; at < size - 1; at++) rankPair(at);
    let parts = size;
    for (let item = heap.pop(); item !== undefined; item = heap.pop()) {
      const start = item % PLACES;
      // Merged away or paired anew since it was pushed.
      if (pairRank[start] !== (item - start) / PLACES) continue;
      const next = end[start] ?? size;
      const after = end[next] ?? size;
      end[start] = after;
      pairRank[next] = -1;
      if (after < size) before[after] = start;
      parts -= 1;
      rankPair(start);
      const previous = before[start] ?? -1;
      if (previous >= 0) rankPair(previous);
    }
    return parts;
  }

  const pieces = new Map<string, number>();

  function countPiece(piece: string): number {
    const bytes = bytesOf(piece);
    const tokens = bytes.length <= longest && ranks.has(bytes) ? 1 : merged(bytes);
    if (piece.length > LONGEST_PIECE_KEPT) return tokens;
    if (pieces.size >= PIECES_KEPT) pieces.clear();
    pieces.set(piece, tokens);
    return tokens;
  }

  return (text) => {
    let tokens = 0;
    for (const piece of text.match(pattern) ?? []) tokens += pieces.get(piece) ?? countPiece(piece);
    return tokens;
  };
}
