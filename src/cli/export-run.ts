/** Exports one run for `dramatis export`: rows from the store into a file or to standard output, and on standard error what is not in it. */
import { extname } from "node:path";
import { DramatisError } from "../domain/errors.ts";
import { type ExportOptions, exportConversations, exportTrainingExamples, exportTurns } from "../export.ts";
import { type Column, jsonOf } from "../report/columns.ts";
import { csvHead, csvLine } from "../report/csv.ts";
import { CONVERSATION_COLUMNS, TURN_COLUMNS } from "../report/export-rows.ts";
import { count } from "../report/figures.ts";
import { jsonText } from "../report/json-text.ts";
import { createParquet } from "../report/parquet.ts";
import { plainText } from "../report/plain-text.ts";
import { FEWEST_EXAMPLES } from "../report/training-example.ts";
import type { ConversationStatus } from "../store/conversations.ts";
import type { Store } from "../store/store.ts";
import { EXIT } from "./exit-code.ts";
import { type Destination, openFile, standardOutput } from "./export-file.ts";
import { guardNotice } from "./formula-guard.ts";
import { openExistingStore } from "./run-store.ts";
import type { Terminal } from "./terminal.ts";
import { outputPath } from "./typed-path.ts";

export type Format = "jsonl" | "csv" | "parquet" | "chat";
export type Level = "turn" | "conversation";

export interface ExportFlags {
  format?: Format;
  level?: Level;
  out?: string;
  persona?: string;
  include?: ConversationStatus[];
  /** False with --no-formula-guard. */
  formulaGuard: boolean;
  store?: string;
}

/** One write for so many characters of lines. */
const CHARACTERS_AT_ONCE = 64_000;

const wrongUse = (message: string) => new DramatisError("invalid-argument", message);

/** How files of a format are called. */
const BY_EXTENSION: Readonly<Record<string, Format>> = {
  ".csv": "csv",
  ".parquet": "parquet",
  ".jsonl": "jsonl",
};

/** As the flag says, else as the file is called. */
function formatOf({ format, out = "" }: ExportFlags): Format {
  const called = BY_EXTENSION[extname(out).toLowerCase()];
  const lines = format === "chat" ? "jsonl" : format;
  if (called === undefined || lines === undefined || lines === called) return format ?? called ?? "jsonl";
  const message = `--format ${format}: expected a file that is called so, got --out ${JSON.stringify(out)}. Call it *.${lines}, or leave --format out.`;
  throw wrongUse(message);
}

function checkFlags({ level, out, persona }: ExportFlags, format: Format): void {
  if (format === "parquet" && out === undefined)
    throw wrongUse("--format parquet: expected a file for it, got none. Name one: --out turns.parquet");
  if (format === "chat" && level !== undefined)
    throw wrongUse("--level is about rows, and --format chat has examples. Leave one of the two out.");
  if (level === "conversation" && persona !== undefined)
    throw wrongUse("--persona is about turns, and --level conversation has none. Leave one of the two out.");
}

/** Puts lines together into larger writes. */
async function writeLines<Row>(
  rows: AsyncIterable<Row>,
  lineOf: (row: Row) => string,
  destination: Destination,
): Promise<number> {
  let written = 0;
  let lines = "";
  for await (const row of rows) {
    lines += lineOf(row);
    written++;
    if (lines.length < CHARACTERS_AT_ONCE) continue;
    await destination.write(lines);
    lines = "";
  }
  if (lines !== "") await destination.write(lines);
  return written;
}

interface Table<Row> {
  rows: AsyncIterable<Row>;
  columns: readonly Column<Row>[];
  format: Exclude<Format, "chat">;
  destination: Destination;
  csv: { hasFormulaGuard: boolean; onGuarded: () => void };
}

async function writeTable<Row>({ rows, columns, format, destination, csv }: Table<Row>): Promise<number> {
  switch (format) {
    case "jsonl":
      return await writeLines(rows, (row) => `${jsonText(jsonOf(columns, row))}\n`, destination);
    case "csv":
      await destination.write(csvHead(columns));
      return await writeLines(rows, (row) => csvLine(columns, row, csv), destination);
    case "parquet": {
      const file = await createParquet(columns, destination.write);
      let written = 0;
      for await (const row of rows) {
        await file.add(row);
        written++;
      }
      await file.finish();
      return written;
    }
  }
}

async function* until<Row>(rows: AsyncIterable<Row>, signal: AbortSignal): AsyncGenerator<Row> {
  for await (const row of rows) {
    signal.throwIfAborted();
    yield row;
  }
}

/** A terminal would obey what a message may hold; files and pipes get it as it is. */
const shown = (terminal: Terminal): Terminal =>
  terminal.size === undefined ? terminal : { ...terminal, write: (text) => terminal.write(plainText(text)) };

/** What of the run is not in the export, and what of it no model wrote. */
function createTally() {
  const leftOut = new Map<ConversationStatus, number>();
  let conversations = 0;
  let offline = 0;
  let guarded = 0;
  return {
    options: {
      onLeftOut: ({ status }) => void leftOut.set(status, (leftOut.get(status) ?? 0) + 1),
      onConversation({ transport }) {
        conversations++;
        if (transport === "offline") offline++;
      },
    } satisfies ExportOptions,
    onGuarded: () => void guarded++,
    lines(written: string): string[] {
      const missing = [...leftOut].map(([status, times]) => `${times.toLocaleString("en-US")} ${status}`);
      return [
        `${written} of ${count(conversations, "conversation")}.`,
        missing.length === 0
          ? undefined
          : `Left out: ${missing.join(", ")}. Add them with --include ${[...leftOut.keys()].join(",")}.`,
        offline === 0
          ? undefined
          : `Generated offline, not by a model: ${offline === conversations ? "all of it" : count(offline, "conversation")}.`,
        guarded === 0 ? undefined : guardNotice(guarded),
      ].filter((line) => line !== undefined);
    },
  };
}

type Written = { words: string; note?: string };

async function write(
  store: Store,
  { run, flags, format, destination, signal }: Work,
  tally: ReturnType<typeof createTally>,
): Promise<Written> {
  const { level = "turn", persona, include } = flags;
  const options: ExportOptions = { ...tally.options, persona, include };
  if (format === "chat") {
    const examples = until(exportTrainingExamples(store, run, options), signal);
    const written = await writeLines(examples, (example) => `${jsonText(example)}\n`, destination);
    const words = count(written, "example");
    if (written >= FEWEST_EXAMPLES) return { words };
    return { words, note: `OpenAI fine-tunes on ${FEWEST_EXAMPLES} examples or more.` };
  }
  const csv = { hasFormulaGuard: flags.formulaGuard, onGuarded: tally.onGuarded };
  if (level === "conversation") {
    const rows = until(exportConversations(store, run, options), signal);
    const written = await writeTable({ rows, columns: CONVERSATION_COLUMNS, format, destination, csv });
    return { words: count(written, "row") };
  }
  const rows = until(exportTurns(store, run, options), signal);
  const written = await writeTable({ rows, columns: TURN_COLUMNS, format, destination, csv });
  return { words: count(written, "turn") };
}

interface Work {
  run: string;
  flags: ExportFlags;
  format: Format;
  destination: Destination;
  signal: AbortSignal;
}

/** Exports a run as the flags say; returns the exit code. */
export async function exportRun(run: string, flags: ExportFlags, terminal: Terminal): Promise<number> {
  const format = formatOf(flags);
  checkFlags(flags, format);
  const stop = new AbortController();
  let isReaderGone = false;
  const dispose = terminal.onInterrupt((cause) => {
    isReaderGone ||= cause === "output-lost";
    stop.abort();
  });
  let store: Store | undefined;
  let destination: Destination | undefined;
  try {
    store = await openExistingStore(flags.store, terminal);
    const file = flags.out === undefined ? undefined : outputPath(flags.out, terminal.env);
    destination = file === undefined ? standardOutput(shown(terminal)) : await openFile(file);
    const tally = createTally();
    const { words, note } = await write(
      store,
      { run, flags, format, destination, signal: stop.signal },
      tally,
    );
    await destination.finish();
    const where = file === undefined ? words : `${file}: ${words}`;
    const lines = [...tally.lines(where), ...(note === undefined ? [] : [note])];
    terminal.writeError(lines.map((line) => `${plainText(line)}\n`).join(""));
    return EXIT.done;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    // Whoever reads no further (`… | head`) has what was wanted.
    if (isReaderGone) return EXIT.done;
    terminal.writeError(`Stopped.${flags.out === undefined ? "" : " No file was written."}\n`);
    return EXIT.interrupted;
  } finally {
    dispose();
    await destination?.discard();
    await store?.close();
  }
}
