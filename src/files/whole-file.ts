/** A file that is there whole or not at all, whenever the process or the machine ends. */
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const OWNER_ONLY = 0o600;
const UNFINISHED = /^[0-9a-f]{12}\.new$/;

/** The file with these bytes, for its owner only: they are whole on the disk before they take the name. */
export function writeWholeFile(file: string, bytes: Uint8Array): void {
  const unfinished = `${file}.${randomBytes(6).toString("hex")}.new`;
  try {
    const descriptor = openSync(unfinished, "wx", OWNER_ONLY);
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(unfinished, file);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
  syncFolder(dirname(file));
}

/** A new name is safe only once its folder is; Windows cannot, and need not, do that. */
function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Deletes what writers of this file left behind when they were killed. Only where nobody writes it at the same time. */
export function dropUnfinished(file: string): void {
  const start = `${basename(file)}.`;
  for (const name of readdirSync(dirname(file))) {
    if (name.startsWith(start) && UNFINISHED.test(name.slice(start.length)))
      rmSync(join(dirname(file), name), { force: true });
  }
}
