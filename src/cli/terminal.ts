/** What a command may touch of the process it runs in; tests pass their own. */
import type { ScreenOptions } from "./screen/line.ts";

export interface Terminal {
  /** Standard output: results. */
  write(text: string): void;
  /** Standard error: errors, notes and the progress line. */
  writeError(text: string): void;
  /** How results look. */
  screen: ScreenOptions;
  /** True when standard error is a terminal, so that a line may be drawn over. */
  hasProgress: boolean;
  env: Readonly<Record<string, string | undefined>>;
  clock: () => number;
  /** Calls back at every Ctrl-C (or request to end) until the returned function is called. */
  onInterrupt(listener: () => void): () => void;
}

const DEFAULT_COLUMNS = 80;

function hasColour(env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== "0";
  return isTerminal && env.TERM !== "dumb";
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  const listeners = new Set<() => void>();
  const interrupt = () => {
    for (const listener of listeners) listener();
  };
  // Whoever read our output is gone (`… | head`): nothing more to say, but what was paid for is still written.
  stdout.on("error", interrupt);
  return {
    write: (text) => stdout.write(text),
    writeError: (text) => stderr.write(text),
    screen: { columns: stdout.columns ?? DEFAULT_COLUMNS, colour: hasColour(env, stdout.isTTY) },
    hasProgress: stderr.isTTY && stdout.isTTY,
    env,
    clock: Date.now,
    onInterrupt(listener) {
      listeners.add(listener);
      process.on("SIGINT", listener).on("SIGTERM", listener);
      return () => {
        listeners.delete(listener);
        process.off("SIGINT", listener).off("SIGTERM", listener);
      };
    },
  };
}
