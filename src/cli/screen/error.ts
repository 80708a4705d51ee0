/** What is printed when a command fails: a known error's own message, or everything there is of an unknown one. */
import { inspect } from "node:util";
import { ConversationError } from "../../domain/conversation-error.ts";
import { DramatisError, InvalidFilesError, type Problem } from "../../domain/errors.ts";
import { withoutKeys } from "../../domain/secrets.ts";
import { count } from "../../report/figures.ts";
import { plainLine, plainText } from "../../report/plain-text.ts";
import { widthOf } from "./line.ts";

const LONGEST_COLUMN = 40;

const pad = (text: string, columns: number) => text + " ".repeat(Math.max(0, columns - widthOf([{ text }])));
const widest = (texts: readonly string[]) =>
  Math.min(LONGEST_COLUMN, Math.max(0, ...texts.map((text) => widthOf([{ text }]))));

function fileProblems(file: string, problems: readonly Problem[]): string[] {
  const rows = problems.map(({ line, column, path, expected, got, hint }) => ({
    place: [line, column].filter((part) => part !== undefined).join(":"),
    path: path === "" ? "(whole file)" : plainLine(path),
    text: plainLine(`expected ${expected}, got ${got}`),
    hint: hint === undefined ? undefined : plainLine(hint),
  }));
  const placeColumns = widest(rows.map(({ place }) => place));
  const pathColumns = widest(rows.map(({ path }) => path));
  return [
    "",
    plainLine(file),
    ...rows.flatMap(({ place, path, text, hint }) => {
      const start = `  ${placeColumns === 0 ? "" : `${pad(place, placeColumns)}  `}${pad(path, pathColumns)}  `;
      return [start + text, ...(hint === undefined ? [] : [" ".repeat(widthOf([{ text: start }])) + hint])];
    }),
  ];
}

function invalidFiles({ problems }: InvalidFilesError): string {
  const files = [...new Set(problems.map(({ file }) => file))];
  return [
    `${count(problems.length, "problem")} in ${count(files.length, "file")}`,
    ...files.flatMap((file) =>
      fileProblems(
        file,
        problems.filter((problem) => problem.file === file),
      ),
    ),
  ].join("\n");
}

/** Stacks of an error and its causes. Their other fields stay out: a client's error may hold request headers. */
function stacks(error: unknown, seen: readonly unknown[] = []): string[] {
  if (!(error instanceof Error)) return [inspect(error)];
  const own = error.stack ?? `${error.name}: ${error.message}`;
  if (error.cause === undefined || seen.includes(error.cause)) return [own];
  return [own, ...stacks(error.cause, [...seen, error]).map((text) => `caused by ${text}`)];
}

/** Everything a report needs of an error nobody foresaw; its text may quote a request, so what looks like a key goes. */
function unknownError(error: unknown): string {
  return [
    "Dramatis failed in a way it does not know. This is a mistake in Dramatis, not in your files.",
    "Please report it with the text below and the command you ran.",
    "",
    withoutKeys(plainText(stacks(error).join("\n"))),
  ].join("\n");
}

type MessageOf = (error: DramatisError) => string;

function textOf(error: unknown, messageOf: MessageOf): string {
  if (error instanceof InvalidFilesError) return invalidFiles(error);
  if (error instanceof ConversationError) return `${error.message}\n\n${textOf(error.cause, messageOf)}`;
  return error instanceof DramatisError ? messageOf(error) : unknownError(error);
}

/** Nothing shorter is a secret; taking out every `x` would leave no text. */
const SHORTEST_KEY = 6;

/**
 * Text for standard error, without a final newline and without `key`. Errors of this package are the user's to act on
 * and show their message alone, as `messageOf` completes it; all others are ours, and show what a report needs.
 */
export function renderError(
  error: unknown,
  key = "",
  messageOf: MessageOf = ({ message }) => message,
): string {
  const text = plainText(textOf(error, messageOf));
  const secret = key.trim();
  return secret.length < SHORTEST_KEY ? text : text.replaceAll(secret, "[key removed]");
}
