/** Writes a conversation's record: transcript.md, conversation.json, messages.jsonl. */
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DramatisError, messageOf } from "../domain/errors.ts";
import type { ConversationRecord } from "../domain/record.ts";
import { makeFolders } from "../files/make-folder.ts";
import { jsonText } from "../report/json-text.ts";
import { messageLines } from "../report/message-lines.ts";
import { transcriptMarkdown } from "../report/transcript.ts";

/** What a killed run left there goes. A link goes too, and nothing is written through it: it may be somebody else's. */
function writeNew(file: string, text: string): void {
  rmSync(file, { force: true });
  writeFileSync(file, text, { flag: "wx" });
}

/** Makes the folder, and a file in it, before anything is paid. */
export function prepareFolder(folder: string): void {
  try {
    const isOther = statSync(folder, { throwIfNoEntry: false })?.isDirectory() === false;
    if (isOther) throw new Error("it is a file, not a folder");
    makeFolders(folder);
    const probe = join(folder, ".dramatis-probe");
    try {
      writeNew(probe, "Can this folder be written to?");
    } finally {
      rmSync(probe, { force: true }); // A full disk leaves an empty one.
    }
  } catch (cause) {
    const message = `Cannot write to the folder ${folder}: ${messageOf(cause)}. Name another with --out.`;
    throw new DramatisError("write-failed", message, { cause });
  }
}

/** What somebody put into the folder keeps it. */
export function removeIfEmpty(folder: string): void {
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}

/** Opens the log for one moment, before anything is paid; it is not left behind empty. */
export function prepareLog(file: string): void {
  try {
    const there = statSync(file, { throwIfNoEntry: false });
    if (there?.isDirectory()) throw new Error("it is a folder, not a file");
    if (there?.isFile() === false) return; // Opening a pipe would wait for its reader.
    makeFolders(dirname(file));
    const isNew = lstatSync(file, { throwIfNoEntry: false }) === undefined;
    closeSync(openSync(file, "a", 0o600));
    if (isNew) rmSync(file);
  } catch (cause) {
    const message = `Cannot write the log ${file}: ${messageOf(cause)}. Name another with --log.`;
    throw new DramatisError("write-failed", message, { cause });
  }
}

/** The first of `old-1-<name>`, `old-2-<name>`, … that is free. */
function spareName(folder: string, name: string): string {
  for (let number = 1; ; number++) {
    const file = join(folder, `old-${number}-${name}`);
    if (!existsSync(file)) return file;
  }
}

/** All files or none: they take their names only once all are written. Files of an earlier record are kept as `old-…`. */
function writeAll(record: ConversationRecord, folder: string): string[] {
  const texts: Record<string, string> = {
    "transcript.md": transcriptMarkdown(record),
    "conversation.json": `${jsonText(record, 2)}\n`,
    "messages.jsonl": messageLines(record),
  };
  const names = Object.keys(texts);
  const temporary = (name: string) => join(folder, `.${name}.part`);
  try {
    for (const [name, text] of Object.entries(texts)) writeNew(temporary(name), text);
    return names.map((name) => {
      const file = join(folder, name);
      if (existsSync(file)) renameSync(file, spareName(folder, name));
      renameSync(temporary(name), file);
      return file;
    });
  } finally {
    for (const name of names) rmSync(temporary(name), { force: true });
  }
}

/** Where a record went, and what is to be said when that is not where it should be. */
export interface Written {
  files: string[];
  problem?: DramatisError;
}

/**
 * Writes the files. A conversation that was paid for is not lost when the folder cannot take it (full disk, folder
 * gone): the system's folder for temporary files is tried next.
 */
export function writeRecord(record: ConversationRecord, folder: string): Written {
  try {
    return { files: writeAll(record, folder) };
  } catch (cause) {
    const files = rescue(record);
    const kept =
      files.length === 0
        ? "It could not be kept elsewhere either: copy it from the output."
        : "It is kept elsewhere.";
    const message = `Cannot write the record to ${folder}: ${messageOf(cause)}. ${kept}`;
    return { files, problem: new DramatisError("write-failed", message, { cause }) };
  }
}

function rescue(record: ConversationRecord): string[] {
  try {
    return writeAll(record, mkdtempSync(join(tmpdir(), "dramatis-")));
  } catch {
    return []; // The caller says so; the first error is the one to mend.
  }
}
