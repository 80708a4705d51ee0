/** When a time of another clock is at ours, from what it showed while it was asked; never sooner than it truly is. */

export interface Sample {
  /** Ours, before it was asked and after it answered. */
  sentAt: number;
  receivedAt: number;
  /** What it showed in between. */
  at: number;
}

export interface RemoteClock {
  observe(sample: Sample): void;
  /** In our milliseconds. */
  localOf(at: number): number;
}

/**
 * Each answer bounds how far the clocks are apart; the best bounds of all are kept, and the later one is used. An answer
 * outside of them says that a clock was set, or that they drifted apart: it counts alone then.
 */
export function createRemoteClock(): RemoteClock {
  let least = Number.NEGATIVE_INFINITY;
  let most = Number.POSITIVE_INFINITY;
  return {
    observe({ sentAt, receivedAt, at }) {
      least = Math.max(least, sentAt - at);
      most = Math.min(most, receivedAt - at);
      if (least <= most) return;
      least = sentAt - at;
      most = receivedAt - at;
    },
    localOf: (at) => at + most,
  };
}
