/**
 * One writer at a time, across processes: a lock file beside the vault. It is made by linking a file that is whole
 * already, so it always names its holder; a holder that was killed is found out by its process id.
 */
import { createHash, randomBytes } from "node:crypto";
import { linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { DramatisError } from "../domain/errors.ts";
import { errorCodeOf, writing } from "./private-file.ts";

/** A change takes milliseconds; nobody is made to wait longer for one that hangs. */
const PATIENCE_MS = 10_000;
const PAUSE_MS = 10;

/** How long a writer waits for another. */
export interface LockOptions {
  /** Default 10,000. */
  patienceMs?: number | undefined;
  /** Waits before the next try. Default: a timer. */
  pause?: ((ms: number) => Promise<unknown>) | undefined;
}

const processExists = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCodeOf(error) !== "ESRCH"; // EPERM: somebody else's, but there.
  }
};

/** Whether the process that wrote this is gone for certain; of another machine nothing is known. */
function isGone(holder: string): boolean {
  const [host, pid] = holder.split("\n");
  return host === hostname() && !processExists(Number(pid));
}

/** This machine in a file's name. */
const hostMark = (): string => createHash("sha256").update(hostname()).digest("hex").slice(0, 8);

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Gives `file` this name too, unless the name is taken. */
function claim(file: string, name: string): boolean {
  try {
    linkSync(file, name);
    return true;
  } catch (error) {
    if (errorCodeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/**
 * Runs a change while no other process changes the same file.
 *
 * @throws DramatisError `vault-busy` when another holds it for too long
 */
export async function withLock<T>(file: string, change: () => T, options: LockOptions = {}): Promise<T> {
  const { patienceMs = PATIENCE_MS, pause = delay } = options;
  const lock = `${file}.lock`;
  const own = `${lock}.${hostMark()}.${process.pid}.${randomBytes(6).toString("hex")}`;
  writing(own, () =>
    writeFileSync(own, `${hostname()}\n${process.pid}\n${own.slice(-12)}\n`, { flag: "wx", mode: 0o600 }),
  );
  try {
    for (let waited = 0; !writing(lock, () => claim(own, lock)); waited += PAUSE_MS) {
      if (breakLock(lock, own)) continue;
      if (waited >= patienceMs) throw busy(file, lock);
      await pause(PAUSE_MS);
    }
    try {
      dropClaims(lock);
      return change();
    } finally {
      rmSync(lock, { force: true });
    }
  } finally {
    rmSync(own, { force: true });
  }
}

/**
 * Removes the lock of a process that is gone. Two may find it at once, and the slower must not remove the faster's new
 * lock: only who holds the right to break looks once more and removes, and nobody else removes a lock not its own.
 */
function breakLock(lock: string, own: string): boolean {
  const holder = readIfThere(lock);
  if (holder === undefined) return true;
  if (!isGone(holder)) return false;
  const right = breakRight(lock);
  if (!claim(own, right)) return false;
  try {
    if (readIfThere(lock) === holder) rmSync(lock, { force: true });
    return true;
  } finally {
    rmSync(right, { force: true });
  }
}

const breakRight = (lock: string): string => `${lock}.break`;

/** Deletes what processes left that were killed while they waited or broke a lock. Only for whoever holds the lock. */
function dropClaims(lock: string): void {
  const start = `${basename(lock)}.`;
  for (const name of readdirSync(dirname(lock))) {
    if (!name.startsWith(start)) continue;
    const file = join(dirname(lock), name);
    // By its name: whoever was killed early has written nothing into it.
    const [, host, pid] = /^([0-9a-f]{8})\.(\d+)\.[0-9a-f]{12}$/.exec(name.slice(start.length)) ?? [];
    const isLeft =
      host === undefined
        ? file === breakRight(lock) && isGone(readIfThere(file) ?? "")
        : host === hostMark() && !processExists(Number(pid));
    if (isLeft) rmSync(file, { force: true });
  }
}

function busy(file: string, lock: string): DramatisError {
  const [host, pid] = (readIfThere(lock) ?? "").split("\n");
  const who = pid === undefined ? "another process" : `process ${pid} on ${host}`;
  const message = `The vault ${file} is being changed by ${who}. If that has ended, delete ${lock} and, if it is there, ${breakRight(lock)}, and try again.`;
  return new DramatisError("vault-busy", message);
}
