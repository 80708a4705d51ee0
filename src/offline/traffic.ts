/** What became of the chat requests that a server got, in figures that a bench can read. */

export interface Traffic {
  /** All that arrived with JSON as their body, acceptable or not. */
  readonly requests: number;
  /** Those with a `prompt_cache_key`. */
  readonly withCacheKey: number;
  /** 429s of the rate limit; scripted ones and those of `faults` do not count. */
  readonly rejected: number;
  /** Prompts and allowed outputs, as the rate limit counts them, of the requests that it let through. */
  readonly countedTokens: number;
  /** The same by model, with the number of those requests: limits hold for each model alone. */
  readonly byModel: Readonly<Record<string, { requests: number; countedTokens: number }>>;
  /** Those that the `faults` options let fail, lines of batches among them, and how many of each kind. */
  readonly faulted: number;
  readonly faultsByKind: Readonly<Record<string, number>>;
}

export interface TrafficCounter {
  arrived(): void;
  cacheKey(): void;
  rejected(): void;
  counted(model: string, tokens: number): void;
  faulted(kind: string): void;
  /** The figures so far; later requests do not change them. */
  read(): Traffic;
  clear(): void;
}

export function createTrafficCounter(): TrafficCounter {
  let requests = 0;
  let withCacheKey = 0;
  let rejected = 0;
  let byModel = new Map<string, { requests: number; countedTokens: number }>();
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
    counted(model, tokens) {
      const { requests: before = 0, countedTokens = 0 } = byModel.get(model) ?? {};
      byModel.set(model, { requests: before + 1, countedTokens: countedTokens + tokens });
    },
    faulted(kind) {
      byKind.set(kind, (byKind.get(kind) ?? 0) + 1);
    },
    read: () => ({
      requests,
      withCacheKey,
      rejected,
      countedTokens: [...byModel.values()].reduce((sum, model) => sum + model.countedTokens, 0),
      byModel: Object.fromEntries(byModel),
      faulted: [...byKind.values()].reduce((sum, count) => sum + count, 0),
      faultsByKind: Object.fromEntries(byKind),
    }),
    clear() {
      requests = 0;
      withCacheKey = 0;
      rejected = 0;
      byModel = new Map();
      byKind = new Map();
    },
  };
}
