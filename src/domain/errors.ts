/** One base for every error this package throws on purpose. */

/** How a request to a model can fail. */
export const REQUEST_FAILURES = [
  "budget",
  "unauthorised",
  "rate-limited",
  /** There is no room at the tier that was asked for, or it is not offered for the model or project. */
  "tier-unavailable",
  "quota-exhausted",
  "model-not-found",
  "context-too-long",
  "too-long",
  "bad-request",
  "timed-out",
  "unreachable",
  "server-error",
  "aborted",
  /** Somebody cancelled the batch that it was in, before it was made. */
  "batch-cancelled",
  /** Its process ended while it was on its way. */
  "lost",
  /** In a replay: the request is not the recorded one. */
  "replay-differs",
] as const;
/** A request that came to nothing, by what was wrong with it. */
export type RequestFailure = (typeof REQUEST_FAILURES)[number];

/** Closed union of what can go wrong; decide by it, never by the text of a message. */
export type ErrorCode =
  | RequestFailure
  | "invalid-file"
  | "invalid-argument"
  | "unknown-name"
  | "no-price"
  | "secret-found"
  | "write-failed"
  | "run-failed"
  | "port-in-use"
  /** A file with a secret that others may read or change. */
  | "loose-mode"
  /** The encryption key of the vault is missing, unusable or another one. */
  | "vault-locked"
  | "vault-damaged"
  /** Another process holds the vault for longer than a change takes. */
  | "vault-busy"
  /** Another process has the store's directory. */
  | "store-busy"
  /** The store cannot be opened, read or written. */
  | "store-failed"
  /** A worker was silent for too long, and its conversation was given to another. */
  | "lease-lost";

/**
 * Base of all errors of this package. `message` says what failed, what was expected, what came and what to do
 * next; it never holds a key or a prompt.
 */
export class DramatisError extends Error {
  override readonly name: string = "DramatisError";
  readonly code: ErrorCode;
  /** Whether the same call may succeed when it is made again. */
  readonly isRetryable: boolean = false;
  /** What to do next, as `dramatis` is told it in a shell, without that word: `runs`. The message ends with the whole of it. */
  readonly command: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: ErrorOptions & { command?: string | undefined } = {},
  ) {
    const { command } = options;
    super(command === undefined ? message : `${message} dramatis ${command}`, options);
    this.code = code;
    this.command = command;
  }
}

/** What was thrown, in words; anything can be. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** One mistake in a file: where it is, what was expected there, and what came. */
export interface Problem {
  file: string;
  /** Counted from 1; missing when the whole file is meant. */
  line?: number;
  column?: number;
  /** Path inside the document, like `cast[2].personality.kind`; empty for the whole document. */
  path: string;
  expected: string;
  got: string;
  /** What to do next, where there is something better to say than to write what was expected. */
  hint?: string;
}

/** One line a problem: `file:line:column path: expected …, got …`. */
export function formatProblem(problem: Problem): string {
  const place = [problem.file, problem.line, problem.column].filter((part) => part !== undefined).join(":");
  const path = problem.path === "" ? "" : ` ${problem.path}`;
  const hint = problem.hint === undefined ? "" : ` (${problem.hint})`;
  return `${place}${path}: expected ${problem.expected}, got ${problem.got}${hint}`;
}

/** Files that could not be accepted, with every problem of all of them. */
export class InvalidFilesError extends DramatisError {
  override readonly name = "InvalidFilesError";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const files = new Set(problems.map((problem) => problem.file)).size;
    const count = `${problems.length} ${problems.length === 1 ? "problem" : "problems"}`;
    super(
      "invalid-file",
      `${count} in ${files} ${files === 1 ? "file" : "files"}:\n${problems.map(formatProblem).join("\n")}`,
    );
    this.problems = problems;
  }
}
