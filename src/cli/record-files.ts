/** Writes a conversation's record: transcript.md, conversation.json, messages.jsonl. */
import { accessSync, constants, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DramatisError } from "../domain/errors.ts";
import type { ConversationRecord } from "../domain/record.ts";
import { messageLines } from "../report/message-lines.ts";
import { transcriptMarkdown } from "../report/transcript.ts";

const reason = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** Makes the folder before anything is paid. */
export function prepareFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    const message = `Cannot write to the folder ${folder}: ${reason(cause)}. Name another with --out.`;
    throw new DramatisError("write-failed", message, { cause });
  }
}

function writeAll(record: ConversationRecord, folder: string): string[] {
  const texts: Record<string, string> = {
    "transcript.md": transcriptMarkdown(record),
    "conversation.json": `${JSON.stringify(record, null, 2)}\n`,
    "messages.jsonl": messageLines(record),
  };
  return Object.entries(texts).map(([name, text]) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  });
}

/**
 * Writes the files and returns their paths. A conversation that was paid for is not lost when the folder cannot take
 * it (full disk, folder gone): the system's folder for temporary files is tried next.
 */
export function writeRecord(record: ConversationRecord, folder: string): string[] {
  try {
    return writeAll(record, folder);
  } catch (cause) {
    const rescued = rescue(record);
    const kept =
      rescued === undefined
        ? "It could not be kept elsewhere either."
        : `It was written to ${rescued} instead.`;
    const message = `Cannot write the record to ${folder}: ${reason(cause)}. ${kept}`;
    throw new DramatisError("write-failed", message, { cause });
  }
}

function rescue(record: ConversationRecord): string | undefined {
  try {
    const folder = mkdtempSync(join(tmpdir(), "dramatis-"));
    writeAll(record, folder);
    return folder;
  } catch {
    return undefined; // The caller says so; the first error is the one to mend.
  }
}
