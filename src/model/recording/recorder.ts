/** Records every exchange in a file of JSON lines, as it is answered: what is in the file survives a kill. */
import { appendFileSync, closeSync, openSync, readFileSync, rmSync, statSync, truncateSync } from "node:fs";
import { resolve } from "node:path";
import { DramatisError, messageOf } from "../../domain/errors.ts";
import type { Completion, Exchange, Send } from "../exchange.ts";
import {
  digestOfKept,
  type ExchangeLine,
  type FileLine,
  type Header,
  header,
  keptCompletion,
  keptRequest,
  keptRun,
  MAX_FILE_BYTES,
  MAX_LINE_BYTES,
  type RunLine,
} from "./exchange-lines.ts";
import { keptFailure, keptTier } from "./outcome.ts";

/** Where exchanges are written, and what must not be. */
export interface RecorderOptions {
  file: string;
  transport: Header["transport"];
  /** Never written, wherever it turns up. */
  apiKey: string | undefined;
  clock: () => number;
}

/** Keeps every exchange of a gateway in a file. */
export interface Recorder {
  readonly file: string;
  /** Why the file does not hold everything; said once, when the conversation is over. */
  readonly problem: DramatisError | undefined;
  /**
   * Notes what a run begins with.
   * @throws DramatisError `write-failed`: nothing was paid yet.
   */
  begin(run: Omit<RunLine, "kind" | "at">): void;
  /** Notes how it ended. */
  end(status: string): void;
  around(send: Send): Send;
}

const cannotWrite = (file: string, cause: unknown) =>
  new DramatisError(
    "write-failed",
    `Cannot write the recording ${file}: ${messageOf(cause)}. Name another file.`,
    {
      cause,
    },
  );

/** A recording of nothing: its run was refused before it began. */
const HEADER_ALONE = /^\{"kind":"header","format":"dramatis-exchanges"[^\n]{0,100}\n$/;
const isEmpty = (file: string, size: number | undefined) =>
  size === 0 || (size !== undefined && size < 200 && HEADER_ALONE.test(readFileSync(file, "utf8")));

/** Makes the file, unless an empty one is there; one that holds something already is somebody's recording. */
function create(file: string): { isNew: boolean } {
  try {
    closeSync(openSync(file, "wx", 0o600));
    return { isNew: true };
  } catch (error) {
    const isThere = error instanceof Error && "code" in error && error.code === "EEXIST";
    if (!isThere) throw cannotWrite(file, error);
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats?.isDirectory()) throw cannotWrite(file, new Error("it is a folder"));
    if (!isEmpty(file, stats?.size)) {
      throw cannotWrite(file, new Error("it is there already, and is not overwritten"));
    }
    if (stats?.isFile()) truncateSync(file);
    return { isNew: false };
  }
}

/**
 * Creates the file, readable by its owner alone, and writes its first line.
 * @throws DramatisError `write-failed` when it cannot be made or written to, or is there already.
 */
export function createRecorder(options: RecorderOptions): Recorder {
  const { apiKey, clock } = options;
  const file = resolve(options.file);
  let bytes = 0;
  let problem: DramatisError | undefined;

  function append(line: FileLine): void {
    const text = `${JSON.stringify(line)}\n`;
    const size = Buffer.byteLength(text);
    if (size > MAX_LINE_BYTES || bytes + size > MAX_FILE_BYTES) {
      throw cannotWrite(options.file, new Error(`a recording holds at most ${MAX_FILE_BYTES} bytes`));
    }
    try {
      appendFileSync(file, text, { flush: true });
    } catch (cause) {
      throw cannotWrite(options.file, cause);
    }
    bytes += size;
  }

  /** The conversation goes on without its recording; half a line would make the rest of the file unreadable. */
  function tryAppend(line: () => FileLine): void {
    if (problem !== undefined) return;
    try {
      append(line());
    } catch (error) {
      const { message } = error instanceof DramatisError ? error : cannotWrite(options.file, error);
      problem = new DramatisError("write-failed", `${message} The recording ends before the conversation.`, {
        cause: error,
      });
      try {
        truncateSync(file, bytes);
      } catch {
        // The first problem is the one to mend.
      }
    }
  }

  function lineOf(exchange: Exchange, outcome: Pick<ExchangeLine, "completion" | "failure">): ExchangeLine {
    const { labels, attempts, requestId, fromCache } = exchange;
    const { turn, persona, purpose } = labels;
    const request = keptRequest(exchange.request, apiKey);
    return {
      kind: "exchange",
      at: clock(),
      turn,
      ...(persona === undefined ? {} : { persona }),
      purpose,
      digest: digestOfKept(request),
      request,
      attempts: [...attempts],
      ...(requestId === undefined ? {} : { requestId }),
      ...(fromCache ? { fromCache: true } : {}),
      ...keptTier(exchange),
      ...outcome,
    };
  }

  function failureOf(error: unknown, { signal, model }: Exchange): ExchangeLine["failure"] | undefined {
    if (!signal?.aborted) return keptFailure(error, { model: model.id, key: apiKey, now: clock() });
    return { code: "aborted", message: "Broken off.", isRetryable: false, mayBeBilled: false };
  }

  const { isNew } = create(options.file);
  try {
    append(header(options.transport, clock()));
  } catch (error) {
    if (isNew) rmSync(file, { force: true });
    throw error;
  }

  return {
    file,
    get problem() {
      return problem;
    },
    begin: (run) => append(keptRun({ kind: "run", at: clock(), ...run }, apiKey)),
    end: (status) => tryAppend(() => ({ kind: "end", at: clock(), status })),
    around: (send) =>
      async function recorded(exchange): Promise<Completion> {
        try {
          const completion = await send(exchange);
          tryAppend(() => lineOf(exchange, { completion: keptCompletion(completion, apiKey) }));
          return completion;
        } catch (error) {
          const failure = failureOf(error, exchange);
          if (failure !== undefined) tryAppend(() => lineOf(exchange, { failure }));
          throw error;
        }
      },
  };
}
