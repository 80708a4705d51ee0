/**
 * Holds requests back while a server keeps failing: after some failures in a row nothing is sent for a while, then one
 * request alone tries; when it succeeds all go on.
 */

export interface CircuitSettings {
  /** Failures in a row, of different requests, that open it. */
  threshold: number;
  /** Of the first pause; doubles while the probes fail. */
  openMs: number;
  maxOpenMs: number;
}

const DEFAULT_CIRCUIT: CircuitSettings = { threshold: 8, openMs: 1_000, maxOpenMs: 60_000 };

export interface Circuit {
  readonly isOpen: boolean;
  /** Milliseconds to wait before asking again; 0: send now. Whoever gets a 0 must report what came of it. */
  admit(now: number): number;
  succeeded(): void;
  failed(now: number): void;
  /** The attempt said nothing about the server: it was broken off, or rejected for what it asked. */
  unknown(): void;
}

/** How soon those who wait look again whether the probe has come back. */
const LOOK_MS = 50;

export function createCircuit(settings: CircuitSettings = DEFAULT_CIRCUIT): Circuit {
  let failures = 0;
  let openings = 0;
  let openUntil: number | undefined;
  let pauseMs = 0;
  let isProbing = false;

  function close(): void {
    failures = 0;
    openings = 0;
    openUntil = undefined;
    isProbing = false;
  }

  return {
    get isOpen() {
      return openUntil !== undefined;
    },
    admit(now) {
      if (openUntil === undefined) return 0;
      // A clock that is set back makes no pause longer.
      openUntil = Math.min(openUntil, now + pauseMs);
      if (now < openUntil) return openUntil - now;
      if (isProbing) return LOOK_MS;
      isProbing = true;
      return 0;
    },
    succeeded: close,
    failed(now) {
      failures += 1;
      // Those that were under way when it opened say nothing new.
      if (openUntil !== undefined && !isProbing) return;
      if (!isProbing && failures < settings.threshold) return;
      pauseMs = Math.min(settings.maxOpenMs, settings.openMs * 2 ** openings);
      openUntil = now + pauseMs;
      openings += 1;
      isProbing = false;
    },
    unknown() {
      isProbing = false;
    },
  };
}
