/** What a command may touch of the process it runs in; tests pass their own. */
import { EXIT } from "./exit-code.ts";
import type { ScreenOptions } from "./screen/line.ts";

/** Why a command should end: somebody wants it, or its output goes nowhere any more. */
export type InterruptCause = "signal" | "output-lost";

export interface TerminalSize {
  columns: number;
  rows: number;
}

export interface Terminal {
  /** Standard output: results. */
  write(text: string): void;
  /** Resolves once standard output takes more; without it, it always does. */
  drained?: (() => Promise<void>) | undefined;
  /** Standard error: errors, notes and the progress line. */
  writeError(text: string): void;
  /** How results look. The width follows the terminal's. */
  screen: ScreenOptions;
  /** Of the terminal that shows standard output; undefined when it is none, or one whose cursor cannot be moved. */
  size?: (() => TerminalSize) | undefined;
  /** True when standard error is a terminal that can draw over a line. */
  hasProgress: boolean;
  env: Readonly<Record<string, string | undefined>>;
  clock: () => number;
  /** Calls back at every Ctrl-C or other reason to end, until the returned function is called. */
  onInterrupt(listener: (cause: InterruptCause) => void): () => void;
  /** Ends the process now, whatever is still under way. Default: it ends once nothing is. */
  quit?: ((code: number) => never) | undefined;
  /** A line of standard input that is never shown; undefined when Ctrl-C was pressed at the prompt. */
  readSecret(prompt: string): Promise<string | undefined>;
}

/** For tables: what is no terminal has room for all of a line, and whatever reads it wants it whole. */
export const tableScreen = ({ screen, size }: Pick<Terminal, "screen" | "size">): ScreenOptions =>
  size === undefined ? { columns: Number.POSITIVE_INFINITY, colour: screen.colour } : screen;

/** Where the size is unknown: pipes have none, and some terminals say 0. */
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

/** Of output that was held back: it was taken, or it never will be. */
const ENDS_OF_WAIT = ["drain", "close", "error"] as const;

function hasColour(env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== "0";
  return isTerminal && env.TERM !== "dumb";
}

/**
 * The terminal of this process. A terminal that closes is a request to end; without one, SIGHUP keeps its meaning, as
 * `nohup` sets it.
 */
export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", ...(stdout.isTTY ? ["SIGHUP" as const] : [])];
  const listeners = new Set<(cause: InterruptCause) => void>();
  const lost = () => {
    for (const listener of listeners) listener("output-lost");
  };
  // Whoever read our output is gone (`… | head`): nothing more to say, but what was paid for is still written.
  const isReaderGone = ({ code }: NodeJS.ErrnoException) => code === "EPIPE";
  let isReported = false;
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (!isReaderGone(error) && !isReported) {
      isReported = true;
      stderr.write(`Cannot write to standard output: ${error.code ?? error.message}\n`);
      // The command may have ended well, even before this error came.
      process.once("exit", () => {
        process.exitCode = EXIT.userError;
      });
    }
    lost();
  });
  stderr.on("error", lost);
  return {
    write: (text) => stdout.write(text),
    async drained() {
      if (!stdout.writableNeedDrain) return;
      await new Promise<void>((resolve) => {
        const done = () => {
          for (const event of ENDS_OF_WAIT) stdout.off(event, done);
          resolve();
        };
        for (const event of ENDS_OF_WAIT) stdout.on(event, done);
      });
    },
    writeError: (text) => stderr.write(text),
    screen: {
      get columns() {
        return stdout.columns || DEFAULT_COLUMNS;
      },
      colour: hasColour(env, stdout.isTTY),
    },
    size:
      stdout.isTTY && env.TERM !== "dumb"
        ? () => ({ columns: stdout.columns || DEFAULT_COLUMNS, rows: stdout.rows || DEFAULT_ROWS })
        : undefined,
    hasProgress: stderr.isTTY && stdout.isTTY && env.TERM !== "dumb",
    env,
    clock: Date.now,
    onInterrupt(listener) {
      const signalled = () => listener("signal");
      listeners.add(listener);
      for (const signal of signals) process.on(signal, signalled);
      return () => {
        listeners.delete(listener);
        for (const signal of signals) process.off(signal, signalled);
      };
    },
    quit: (code) => process.exit(code),
    async readSecret(prompt) {
      const { readSecret } = await import("./secret-input.ts");
      return await readSecret(prompt, { stdin: process.stdin, writeError: (text) => stderr.write(text) });
    },
  };
}
