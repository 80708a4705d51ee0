/** Reads a file of recorded exchanges. It may come from anybody: its size is bounded and every line is checked. */
import { readFileSync, statSync } from "node:fs";
import { InvalidFilesError, type Problem } from "../../domain/errors.ts";
import { describe } from "../../domain/problem-words.ts";
import {
  digestOfKept,
  EXCHANGE_FILE_VERSION,
  type ExchangeLine,
  type FileLine,
  type Header,
  lineSchema,
  MAX_FILE_BYTES,
  MAX_LINE_BYTES,
  type RunLine,
} from "./exchange-lines.ts";

/** A recorded exchange; its request, which may be long, is read again when it is needed. */
export interface StoredExchange extends Omit<ExchangeLine, "request"> {
  request(): Record<string, unknown>;
}

export interface ExchangeFile {
  header: Header;
  runs: RunLine[];
  exchanges: StoredExchange[];
  /** How the last run ended; undefined when the process ended before it did. */
  status: string | undefined;
}

const NEW_LINE = 10;

const refuse = (problem: Problem) => new InvalidFilesError([problem]);

function bytesOf(file: string): Buffer {
  const problem = { file, path: "", expected: "a recording made with --record" };
  try {
    const stats = statSync(file);
    if (stats.isDirectory()) throw refuse({ ...problem, got: "a folder" });
    if (!stats.isFile()) throw refuse({ ...problem, got: "a device or a pipe" });
    if (stats.size === 0) throw refuse({ ...problem, line: 1, got: "an empty file" });
    if (stats.size > MAX_FILE_BYTES) {
      const expected = `a recording of at most ${MAX_FILE_BYTES} bytes`;
      throw refuse({ ...problem, expected, got: `${stats.size} bytes` });
    }
    return readFileSync(file);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error instanceof InvalidFilesError) throw error;
    throw refuse({ ...problem, got: error.code === "ENOENT" ? "nothing" : String(error.code) });
  }
}

/** The lines, without their ends. */
function* linesOf(bytes: Buffer): Generator<{ bytes: Buffer; number: number; isWhole: boolean }> {
  let from = 0;
  for (let number = 1; from < bytes.length; number++) {
    const end = bytes.indexOf(NEW_LINE, from);
    const to = end === -1 ? bytes.length : end;
    yield { bytes: bytes.subarray(from, to), number, isWhole: end !== -1 };
    from = to + 1;
  }
}

const textOf = (bytes: Buffer) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);

export function readExchangeFile(file: string): ExchangeFile {
  const runs: RunLine[] = [];
  const exchanges: StoredExchange[] = [];
  let header: Header | undefined;
  let status: string | undefined;

  const damaged = (line: number, got: string, more: Partial<Problem> = {}) =>
    refuse({ file, line, path: "", expected: "a line as --record writes it", got, ...more });

  function parsed(bytes: Buffer, line: number, isWhole: boolean): FileLine {
    if (bytes.length > MAX_LINE_BYTES) throw damaged(line, `${bytes.length} bytes`);
    let json: unknown;
    try {
      json = JSON.parse(textOf(bytes));
    } catch {
      const hint = "the recording stopped here; without this line the rest can be replayed";
      throw isWhole
        ? damaged(line, "something that is no JSON")
        : damaged(line, "a line that breaks off", { hint });
    }
    if (line === 1) checkHeader(json);
    const result = lineSchema.safeParse(json);
    if (result.success) {
      // As it was read: the check keeps no field that it does not name.
      return json as FileLine;
    }
    const issue = result.error.issues[0];
    throw damaged(line, issue?.message ?? "something else", { path: issue?.path.join(".") ?? "" });
  }

  function checkHeader(json: unknown): void {
    const { kind, format, version } = (json ?? {}) as Record<string, unknown>;
    if (kind !== "header" || format !== "dramatis-exchanges") {
      throw damaged(1, "the first line of another kind of file", {
        expected: "a recording made with --record",
      });
    }
    if (version !== EXCHANGE_FILE_VERSION) {
      const expected = `version ${EXCHANGE_FILE_VERSION} of the format`;
      const hint = "record the conversation again with this version of Dramatis";
      throw damaged(1, describe(version), { path: "version", expected, hint });
    }
  }

  function add(line: FileLine, bytes: Buffer, number: number): void {
    switch (line.kind) {
      case "header":
        if (header !== undefined) throw damaged(number, "a second header");
        header = line;
        return;
      case "run":
        digestOfKept(line.context); // Whoever compares it must be able to walk it.
        runs.push(line);
        return;
      case "end":
        status = line.status;
        return;
      case "exchange": {
        const { request, ...stored } = line;
        if (digestOfKept(request) !== line.digest) {
          throw damaged(number, "a request that its digest does not fit", { path: "request" });
        }
        exchanges.push({ ...stored, request: () => JSON.parse(textOf(bytes)).request });
      }
    }
  }

  for (const { bytes, number, isWhole } of linesOf(bytesOf(file))) {
    try {
      add(parsed(bytes, number, isWhole), bytes, number);
    } catch (error) {
      // Nested so deeply that whoever walks it runs out of stack.
      throw error instanceof RangeError ? damaged(number, "something nested too deeply") : error;
    }
  }
  if (header === undefined) throw damaged(1, "no header");
  return { header, runs, exchanges, status };
}
