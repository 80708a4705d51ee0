/** What is done when the database goes away for a while: wait and try again, for so long, and then say what is wrong. */
import { DramatisError } from "../domain/errors.ts";

export interface Patience {
  /** How long an outage is waited for, in milliseconds; 0: not at all. */
  withinMs: number;
  /** Between two attempts; it doubles up to the longest. */
  pauseMs: number;
  longestPauseMs: number;
  /** Milliseconds that only ever grow, whatever is done to the clock of the machine. */
  now: () => number;
  wait: (ms: number) => Promise<void>;
}

export const PATIENCE: Patience = {
  withinMs: 60_000,
  pauseMs: 50,
  longestPauseMs: 1000,
  now: () => performance.now(),
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** Of the network between this process and the server, as Node names them. */
const NETWORK_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "EAI_AGAIN",
]);

/**
 * Of PostgreSQL (its manual, appendix A): class 08 is the connection; 57P01 to 57P03 a server that stops, crashed or starts;
 * 53300 one with too many connections.
 */
const AWAY = /^(?:08...|57P0[123]|53300)$/;
/** A transaction that met another: the same one may pass when it is run again. */
const COLLISIONS = new Set(["40001", "40P01"]);
/** The driver gives these no code. */
const AWAY_WORDS =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/;

/** Classes 53 (no memory, disk full), 58 (files that cannot be read or written) and XX (internal, damaged data). */
const OF_THE_SERVER = /^(?:53|58|XX)/;
const DISK_FULL = /no space left on device|disk full|ENOSPC/i;

interface Coded extends Error {
  code?: unknown;
}

const codeOf = (error: Coded): string => (typeof error.code === "string" ? error.code : "");

/** Whether the server could not be reached, or was lost before it answered. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Several addresses of one host were tried.
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every(isAway);
  const code = codeOf(error);
  return NETWORK_CODES.has(code) || AWAY.test(code) || AWAY_WORDS.test(error.message);
}

const isCollision = (error: unknown) => error instanceof Error && COLLISIONS.has(codeOf(error));

/** What the embedded engine throws where it had to give up: what was in memory cannot be used any more. */
const isCollapsed = (error: Error) =>
  error.name === "RuntimeError" ||
  error.name === "ExitStatus" ||
  /\bunreachable\b|PGlite is closed/.test(error.message);

/** An error of the place the store is in, rather than of a statement, in the words of this package; any other as it is. */
export function storeError(error: unknown, place: string): unknown {
  if (!(error instanceof Error) || error instanceof DramatisError) return error;
  const failed = (what: string, command?: string) =>
    new DramatisError("store-failed", `The store ${place} ${what}`, { cause: error, command });
  if (codeOf(error) === "53100" || DISK_FULL.test(error.message)) {
    return failed(
      "has no room left on its disk. Nothing of the last change was written. Make room, and start again.",
    );
  }
  if (isAway(error)) {
    return failed(
      `cannot be reached any more: ${error.message || codeOf(error)}. Nothing that was written is lost; start again once it is back.`,
    );
  }
  if (isCollapsed(error)) {
    return failed(
      `stopped working: ${error.message}. What was written is on disk; start again, and check it:`,
      "store check",
    );
  }
  if (OF_THE_SERVER.test(codeOf(error))) {
    return failed(
      `cannot read or write: ${error.message}. See the log of the database; then check it:`,
      "store check",
    );
  }
  return error;
}

/**
 * Carries something out that may be carried out again, until it comes through, fails for a reason of its own, or the outage
 * lasts for too long.
 */
export async function throughOutages<T>(patience: Patience, run: () => Promise<T>): Promise<T> {
  const { withinMs, longestPauseMs, now, wait } = patience;
  let { pauseMs } = patience;
  let since: number | undefined;
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!isAway(error) && !isCollision(error)) throw error;
      since ??= now();
      if (now() - since + pauseMs > withinMs) throw error;
      await wait(pauseMs);
      pauseMs = Math.min(longestPauseMs, pauseMs * 2);
    }
  }
}
