/** What Ctrl-C means for whatever is paid for: once, end in order; twice, at once. */
import type { Terminal } from "./terminal.ts";

export interface Interrupts {
  /** Aborted by the first; output that nobody reads is that only. */
  afterTurn: AbortSignal;
  /** Aborted by the second. */
  atOnce: AbortSignal;
  dispose(): void;
}

/** npm passes on the Ctrl-C that the terminal has sent already; the second of such a pair means nothing. */
const ECHO_MS = 500;

/** @param onFirst told of the first Ctrl-C, to say what happens now */
export function interrupts(terminal: Terminal, onFirst: () => void): Interrupts {
  const afterTurn = new AbortController();
  const atOnce = new AbortController();
  let firstAt: number | undefined;
  const dispose = terminal.onInterrupt((cause) => {
    if (firstAt === undefined) {
      firstAt = terminal.clock();
      afterTurn.abort();
      if (cause === "signal") onFirst();
    } else if (cause === "signal" && terminal.clock() - firstAt > ECHO_MS) atOnce.abort();
  });
  return { afterTurn: afterTurn.signal, atOnce: atOnce.signal, dispose };
}
