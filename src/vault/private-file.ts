/** Files that only their owner may read: checked when read, replaced whole or not at all when written. */
import { closeSync, fstatSync, openSync, readFileSync, type Stats, statSync } from "node:fs";
import { DramatisError } from "../domain/errors.ts";
import { makeFolders } from "../files/make-folder.ts";
import { writeWholeFile } from "../files/whole-file.ts";

/** Far more than a vault of hundreds of keys. */
const MAX_BYTES = 1_000_000;
const FOLDER_MODE = 0o700;
/** Bits of group and others. */
const OTHERS = 0o077;
const OTHERS_WRITE = 0o022;
/** Of folders like /tmp: everybody writes there, and nobody replaces what is another's. */
const STICKY = 0o1000;

/** Windows has no such modes: a file in the user's folder is the user's there. */
const hasModes = (): boolean => process.platform !== "win32";

export const errorCodeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error ? String(error.code) : undefined;

const quoted = (path: string): string =>
  /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;

function looseMode(path: string, mode: number, remedy: string): DramatisError {
  const message = `Others may read or change ${path} (mode ${(mode & 0o777).toString(8).padStart(4, "0")}). Run: ${remedy} ${quoted(path)}`;
  return new DramatisError("loose-mode", message);
}

/**
 * The text of a file that only its owner may read; undefined when there is none. `what` begins the sentence of an
 * error: `The vault`. A pipe will do, as shells make them for `<(…)`.
 *
 * @throws DramatisError `loose-mode`, or `invalid-file` when it cannot be read or is no file of text.
 */
export function readPrivate(file: string, what: string): string | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, "r");
    const stats = fstatSync(descriptor); // Of what was opened: the name may mean another file by now.
    checkFile(file, what, stats);
    return readFileSync(descriptor, "utf8");
  } catch (cause) {
    const code = errorCodeOf(cause);
    if (cause instanceof DramatisError || code === undefined) throw cause;
    if (code === "ENOENT") return undefined;
    throw new DramatisError("invalid-file", `${what} ${file} cannot be read: ${code}.`, { cause });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function checkFile(file: string, what: string, stats: Stats): void {
  const got = stats.isDirectory()
    ? "a folder"
    : !stats.isFile() && !stats.isFIFO()
      ? "a device"
      : stats.size > MAX_BYTES
        ? `${stats.size} bytes`
        : undefined;
  if (got !== undefined) {
    const message = `${what} ${file}: expected a file of at most ${MAX_BYTES} bytes, got ${got}.`;
    throw new DramatisError("invalid-file", message);
  }
  if (hasModes() && (stats.mode & OTHERS) !== 0) throw looseMode(file, stats.mode, "chmod 600");
}

/**
 * Refuses a folder in which others could put a file of theirs in the place of ours; of our own, one they may look into.
 *
 * @throws DramatisError `loose-mode`
 */
export function checkFolder(folder: string, isOwn: boolean): void {
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (stats === undefined || !hasModes()) return;
  if (isOwn && (stats.mode & OTHERS) !== 0) throw looseMode(folder, stats.mode, "chmod 700");
  const isShared = (stats.mode & OTHERS_WRITE) !== 0 && (stats.mode & STICKY) === 0;
  if (isShared) throw looseMode(folder, stats.mode, "chmod go-w");
}

/** Runs what writes; says where it failed. */
export function writing<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (cause) {
    if (cause instanceof DramatisError || errorCodeOf(cause) === undefined) throw cause;
    const message = `Cannot write ${path}: ${errorCodeOf(cause)}. Nothing was changed.`;
    throw new DramatisError("write-failed", message, { cause });
  }
}

/** The folder, and those it lies in, for their owner only. Folders that are there stay as they are. */
export function makeFolder(folder: string): void {
  writing(folder, () => makeFolders(folder, FOLDER_MODE));
}

/** The file with a new text, mode 0600; whenever the process or the machine ends, with the old one or the new one. */
export function replaceFile(file: string, text: string): void {
  writing(file, () => writeWholeFile(file, Buffer.from(text)));
}
