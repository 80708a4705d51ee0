/** Processes of their own that open a store. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export interface Opener {
  child: ChildProcess;
  /** What it has said on standard error. */
  errors(): string;
  /** Resolves once it has the store; rejects when it ends before. */
  opened: Promise<void>;
  ended: Promise<number | null>;
}

export function startOpener(address: string): Opener {
  const child = spawn(process.execPath, [join(import.meta.dirname, "open-process.ts"), address]);
  let errors = "";
  child.stderr.on("data", (text: Buffer) => {
    errors += text.toString();
  });
  const ended = once(child, "exit").then(([code]) => code as number | null);
  const opened = new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    void ended.then(() => reject(new Error(`It ended before it had the store: ${errors}`)));
  });
  opened.catch(() => undefined);
  return { child, errors: () => errors, opened, ended };
}
