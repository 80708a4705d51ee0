/** A terminal that keeps what is written to it and can press Ctrl-C. */
import type { InterruptCause, Terminal } from "../../src/cli/terminal.ts";

export interface SampleTerminalOptions {
  env?: Record<string, string>;
  columns?: number;
  hasProgress?: boolean;
  /** Of a terminal for standard output; without them it is a pipe. */
  rows?: number;
  /** Gets everything that is written, as one screen shows both streams. */
  display?: { write(text: string): void };
  /** What is typed at a prompt; without it, Ctrl-C is pressed there. */
  secret?: string;
  /** Called with everything written so far, after each write; returns true to press Ctrl-C. */
  interruptWhen?: (stdout: string) => boolean;
}

export function sampleTerminal(options: SampleTerminalOptions = {}) {
  const { env = {}, columns = 100, hasProgress = false, rows, display, interruptWhen, secret } = options;
  const written = { stdout: "", stderr: "" };
  const listeners = new Set<(cause: InterruptCause) => void>();
  let pressed = false;
  const terminal: Terminal = {
    write(text) {
      written.stdout += text;
      display?.write(text);
      if (!pressed && interruptWhen?.(written.stdout)) {
        pressed = true;
        for (const listener of listeners) listener("signal");
      }
    },
    writeError(text) {
      written.stderr += text;
      display?.write(text);
    },
    screen: { columns, colour: false },
    size: rows === undefined ? undefined : () => ({ columns, rows }),
    hasProgress,
    env,
    clock: Date.now,
    onInterrupt(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async readSecret(prompt) {
      written.stderr += prompt;
      return secret;
    },
  };
  return { terminal, written };
}
