/** How much was sent in the last so many milliseconds, up to a good minute, in constant memory and time. */

/** Entries of one slot leave a window together, when the last of them would: totals are never too small. */
export const SLOT_MS = 10;
const SLOTS = 8192;

export interface Room {
  windowMs: number;
  /** What the window may hold. */
  capacity: number;
  /** What shall be added. */
  cost: number;
  now: number;
}

export interface RecentTotal {
  add(amount: number, now: number): void;
  /** Adds to (or with a negative amount takes from) what was sent at `sentAt`; nothing when that is long ago. */
  correct(amount: number, sentAt: number, now: number): void;
  /** What was sent since then, including all of the slot `since` falls into. */
  since(since: number, now: number): number;
  /** When the window has room for the cost, -Infinity for at once. A cost above the capacity waits for an empty window. */
  roomAt(room: Room): number;
}

export function createRecentTotal(): RecentTotal {
  // sums[i % SLOTS]: everything ever sent up to the end of slot i.
  const sums = new Float64Array(SLOTS);
  let total = 0;
  let slot = Number.NaN;

  function advance(now: number): void {
    const next = Math.floor(now / SLOT_MS);
    if (Number.isNaN(slot)) slot = next;
    // Before the first slot nothing was sent: the array's zeros say so, as long as no index wraps around.
    for (let i = Math.max(slot + 1, next - SLOTS + 1); i <= next; i++) sums[mod(i)] = total;
    slot = Math.max(slot, next);
  }

  const mod = (index: number) => ((index % SLOTS) + SLOTS) % SLOTS;
  const oldest = () => slot - SLOTS + 1;
  const upTo = (index: number) => sums[mod(Math.max(index, oldest()))] ?? 0;
  const since = (time: number) => total - upTo(Math.floor(time / SLOT_MS) - 1);

  return {
    add(amount, now) {
      advance(now);
      total += amount;
      sums[mod(slot)] = total;
    },
    correct(amount, sentAt, now) {
      advance(now);
      const first = Math.floor(sentAt / SLOT_MS);
      if (first < oldest()) return;
      for (let i = first; i <= slot; i++) sums[mod(i)] = upTo(i) + amount;
      total += amount;
    },
    since(time, now) {
      advance(now);
      return since(time);
    },
    roomAt({ windowMs, capacity, cost, now }) {
      advance(now);
      const mustLeave = total + Math.min(0, cost - capacity);
      let out = Math.floor((now - windowMs) / SLOT_MS) - 1;
      if (mustLeave <= upTo(out)) return Number.NEGATIVE_INFINITY;
      // The first slot after whose end enough has left; sums never fall from slot to slot.
      let last = slot;
      while (last - out > 1) {
        const middle = Math.floor((out + last) / 2);
        if (upTo(middle) >= mustLeave) last = middle;
        else out = middle;
      }
      return (last + 1) * SLOT_MS + windowMs;
    },
  };
}
