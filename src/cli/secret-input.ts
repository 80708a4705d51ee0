/** Reads a secret from standard input: typed at a prompt that shows nothing of it, or the first line of a pipe. */
import { createInterface } from "node:readline/promises";
import type { Readable } from "node:stream";
import { Writable } from "node:stream";

/** Nobody's key is longer; a file that is piped in by mistake is not read to its end. */
const MAX_BYTES = 64 * 1024;

export interface SecretInput {
  stdin: Readable & { isTTY?: boolean };
  /** Where the prompt goes. */
  writeError: (text: string) => void;
}

/** What was given, maybe nothing; undefined when Ctrl-C was pressed instead. */
export function readSecret(prompt: string, { stdin, writeError }: SecretInput): Promise<string | undefined> {
  return stdin.isTTY ? askUnseen(prompt, { stdin, writeError }) : firstLine(stdin);
}

async function askUnseen(prompt: string, { stdin, writeError }: SecretInput): Promise<string | undefined> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  // As a terminal it takes the keys one by one, so that the terminal shows none of them.
  const lines = createInterface({ input: stdin, output: nowhere, terminal: true, historySize: 0 });
  const given = new Promise<string | undefined>((resolve) => {
    lines.once("line", resolve);
    lines.once("SIGINT", () => resolve(undefined));
    lines.once("close", () => resolve(""));
  });
  writeError(prompt);
  try {
    return await given;
  } finally {
    lines.close();
    writeError("\n");
  }
}

async function firstLine(stdin: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    chunks.push(bytes);
    size += bytes.length;
    if (bytes.includes("\n") || size > MAX_BYTES) break;
  }
  const [line = ""] = Buffer.concat(chunks).toString("utf8").split(/\r?\n/);
  return line;
}
