/** Paths as the user typed them: npm starts its scripts in the package's folder, wherever it was called. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { DramatisError } from "../domain/errors.ts";
import type { Terminal } from "./terminal.ts";

type Env = Terminal["env"];

/** The folder the user is in. */
export const userFolder = ({ npm_lifecycle_event: script, INIT_CWD: folder }: Env): string =>
  script && folder ? folder : currentFolder();

function currentFolder(): string {
  try {
    return process.cwd();
  } catch (cause) {
    const message = "The folder you are in was deleted. Go to another one and try again.";
    throw new DramatisError("invalid-argument", message, { cause });
  }
}

/** The path of something to be made; it stays as it was typed where that means the same. */
export function outputPath(path: string, env: Env): string {
  const from = userFolder(env);
  return from === currentFolder() ? path : resolve(from, path);
}

/** The path of something that should be there: from where the user is, else as a script of the package means it. */
export function inputPath(path: string, env: Env): string {
  const own = outputPath(path, env);
  return existsSync(own) ? own : path;
}

/** The user's catalog: that of the flag, else that of the variable DRAMATIS_CATALOG. */
export function catalogPath(flag: string | undefined, env: Env): string | undefined {
  const file = flag ?? env.DRAMATIS_CATALOG?.trim();
  return file ? inputPath(file, env) : undefined;
}
