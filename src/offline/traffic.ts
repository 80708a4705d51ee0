/** What became of the chat requests that a server got, in figures that a bench can read. */

export interface Traffic {
  /** All that arrived with JSON as their body, acceptable or not. */
  readonly requests: number;
  /** Those with a `prompt_cache_key`. */
  readonly withCacheKey: number;
  /** 429s of the rate limit; scripted ones and those of `faults` do not count. */
  readonly rejected: number;
  /** What the rate limit let through, by model: requests, and their prompts and allowed outputs as it counts them. */
  readonly letThrough: Readonly<Record<string, { readonly requests: number; readonly tokens: number }>>;
  /** Those that the `faults` option let fail, and how many of each kind. */
  readonly faulted: number;
  readonly faultsByKind: Readonly<Record<string, number>>;
}

export interface TrafficCounter {
  arrived(): void;
  cacheKey(): void;
  rejected(): void;
  letThrough(model: string, tokens: number): void;
  faulted(kind: string): void;
  /** The figures so far; later requests do not change them. */
  read(): Traffic;
  clear(): void;
}

export function createTrafficCounter(): TrafficCounter {
  let requests = 0;
  let withCacheKey = 0;
  let rejected = 0;
  let letThrough: Record<string, { requests: number; tokens: number }> = {};
  let byKind = new Map<string, number>();
  return {
    arrived() {
      requests += 1;
    },
    cacheKey() {
      withCacheKey += 1;
    },
    rejected() {
      rejected += 1;
    },
    letThrough(model, tokens) {
      const { requests: before = 0, tokens: counted = 0 } = letThrough[model] ?? {};
      letThrough[model] = { requests: before + 1, tokens: counted + tokens };
    },
    faulted(kind) {
      byKind.set(kind, (byKind.get(kind) ?? 0) + 1);
    },
    read: () => ({
      requests,
      withCacheKey,
      rejected,
      letThrough: { ...letThrough },
      faulted: [...byKind.values()].reduce((sum, count) => sum + count, 0),
      faultsByKind: Object.fromEntries(byKind),
    }),
    clear() {
      requests = 0;
      withCacheKey = 0;
      rejected = 0;
      letThrough = {};
      byKind = new Map();
    },
  };
}
