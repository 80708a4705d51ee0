/**
 * A map that forgets what was not used lately, so that a long-running server's memory stays flat. Two generations
 * instead of a strict LRU order: a hit costs one look-up and no bookkeeping, which counts when every request
 * looks up each of its messages.
 */
export class RecentMap<Key, Value> {
  readonly #limit: number;
  #young = new Map<Key, Value>();
  #old = new Map<Key, Value>();
  #weight = 0;

  /** @param limit what a generation may weigh; at most two generations are held. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: Key, weight = 1): Value | undefined {
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const older = this.#old.get(key);
    if (older !== undefined) this.set(key, older, weight);
    return older;
  }

  set(key: Key, value: Value, weight = 1): void {
    if (this.#weight + weight > this.#limit) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#weight = 0;
    }
    this.#young.set(key, value);
    this.#weight += weight;
  }

  /** Entries held at the moment, of both generations. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
