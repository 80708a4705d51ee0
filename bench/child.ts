/** Processes of their own: servers and clients, so that each can be measured alone. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

/** Runs a file of this folder; a process that was given `isMeasured` can collect its garbage when it is told. */
export const start = (
  file: string,
  args: readonly string[] = [],
  { isMeasured = false } = {},
): ChildProcess =>
  fork(new URL(file, import.meta.url), args, {
    ...(isMeasured ? { execArgv: ["--expose-gc"] } : {}),
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });

/** The next message; throws when the process ends without one. */
export async function messageOf<T>(child: ChildProcess, what: string): Promise<T> {
  const listening = new AbortController();
  const { signal } = listening;
  try {
    const [message, isMessage] = await Promise.race([
      once(child, "message", { signal }).then(([first]) => [first, true] as const),
      once(child, "exit", { signal }).then(([code]) => [code, false] as const),
    ]);
    if (isMessage) return message as T;
    throw new Error(`The ${what} ended early, with code ${message}.`);
  } finally {
    listening.abort();
  }
}
