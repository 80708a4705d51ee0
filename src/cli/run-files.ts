/** The files that `dramatis run` writes: the record, and the log of failed attempts. */
import { join } from "node:path";
import type { LogOptions } from "../app.ts";
import type { ConversationRecord } from "../domain/record.ts";
import { prepareFolder, prepareLog, removeIfEmpty, type Written, writeRecord } from "./record-files.ts";
import type { Terminal } from "./terminal.ts";
import { outputPath } from "./typed-path.ts";

/** Where records go when no folder is named. */
const DEFAULT_FOLDER = "dramatis-out";
/** Failed attempts, beside the record unless --log says otherwise; made with the first of them. */
const LOG_FILE = "attempts.jsonl";

export interface RunFiles {
  log: LogOptions;
  /** @throws DramatisError `write-failed`, before anything is paid */
  prepare(): void;
  write(record: ConversationRecord): Written;
  /** There is no record: a folder that was made for it goes, if nothing is in it. */
  abandon(): void;
}

export function runFiles(
  conversationId: string,
  flags: { out?: string; log?: string; logPrompts?: boolean },
  { env, writeError }: Terminal,
): RunFiles {
  const folder = outputPath(flags.out ?? join(DEFAULT_FOLDER, conversationId), env);
  const logFile = flags.log === undefined ? join(folder, LOG_FILE) : outputPath(flags.log, env);
  let isLogLost = false;
  return {
    log: {
      file: logFile,
      withPrompts: flags.logPrompts,
      onLost: (error) => {
        isLogLost = true;
        writeError(`The log cannot be written: ${String(error)}\n`);
      },
    },
    prepare() {
      prepareFolder(folder);
      if (flags.log !== undefined) prepareLog(logFile);
    },
    abandon: () => removeIfEmpty(folder),
    write(record) {
      const written = writeRecord(record, folder);
      const isLogged = record.attempts.length > 0 && !isLogLost;
      return { ...written, files: [...written.files, ...(isLogged ? [logFile] : [])] };
    },
  };
}
