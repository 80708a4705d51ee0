/** Where an export goes: a file that takes its name once it is whole, a pipe or device, or standard output. */
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DramatisError, messageOf } from "../domain/errors.ts";
import type { Terminal } from "./terminal.ts";

export interface Destination {
  write(data: string | Uint8Array): Promise<void>;
  /** Gives a file its name. */
  finish(): Promise<void>;
  /** Leaves nothing behind, and what was there before as it was. After `finish`: nothing. */
  discard(): Promise<void>;
}

/** @param option that names another file */
async function orSay<T>(
  { file, option }: { file: string; option: string },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof DramatisError) throw cause;
    const message = `Cannot write ${file}: ${messageOf(cause)}. Name another file with ${option}.`;
    throw new DramatisError("write-failed", message, { cause });
  }
}

/** `write` may take a part only, at the end of a disk for one. */
async function writeWhole(handle: FileHandle, data: string | Uint8Array): Promise<void> {
  let rest = typeof data === "string" ? Buffer.from(data) : data;
  while (rest.length > 0) rest = rest.subarray((await handle.write(rest)).bytesWritten);
}

/** Of a pipe or a device there is nothing to put in the place of. */
async function openStream(file: string): Promise<Destination> {
  const handle = await open(file, "w");
  let isOpen = true;
  const discard = async () => {
    if (isOpen) await handle.close();
    isOpen = false;
  };
  return { write: (data) => writeWhole(handle, data), finish: discard, discard };
}

async function openBeside(file: string): Promise<Destination> {
  const part = join(dirname(file), `.${basename(file)}.part`);
  // What a killed export left goes. A link goes too, and nothing is written through it: it may be somebody else's.
  await rm(part, { force: true });
  const handle = await open(part, "wx");
  const { ino } = await handle.stat();
  let isOpen = true;
  const isOurs = async () => (await stat(part).catch(() => undefined))?.ino === ino;
  return {
    write: (data) => writeWhole(handle, data),
    async finish() {
      await handle.sync();
      if (!(await isOurs())) throw new Error("another export to the same file began meanwhile");
      await rename(part, file);
      isOpen = false;
      await handle.close();
    },
    async discard() {
      if (!isOpen) return;
      isOpen = false;
      const mine = await isOurs();
      await handle.close();
      if (mine) await rm(part, { force: true });
    },
  };
}

/** @throws DramatisError `write-failed`, from here or from what it returns, with the file's name */
export async function openFile(file: string, option = "--out"): Promise<Destination> {
  const named = { file, option };
  const destination = await orSay(named, async () => {
    const there = await stat(file).catch(() => undefined);
    if (there?.isDirectory()) throw new Error("it is a folder, not a file");
    return there === undefined || there.isFile() ? await openBeside(file) : await openStream(file);
  });
  return {
    write: (data) => orSay(named, () => destination.write(data)),
    finish: () => orSay(named, destination.finish),
    discard: destination.discard,
  };
}

/** Waits for a slow reader, so that what is not read yet is not held. */
export const standardOutput = ({ write, drained }: Terminal): Destination => ({
  async write(data) {
    write(typeof data === "string" ? data : Buffer.from(data).toString());
    await drained?.();
  },
  finish: async () => undefined,
  discard: async () => undefined,
});
