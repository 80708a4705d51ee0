/** Real workers as processes of their own, and an offline server for them. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

export interface Program {
  child: ChildProcess;
  written(): string;
  /** Waits for output, from the beginning on; fails when the program ends without it. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  exit(): Promise<{ code: number | null; written: string }>;
}

export interface Programs {
  start(args: readonly string[], env?: Record<string, string>): Program;
  /** The address of a server that takes so long for an answer. */
  offline(latencyMs: number): Promise<{ OPENAI_BASE_URL: string; OPENAI_API_KEY: string }>;
  /** Ends all that were started. */
  end(): void;
}

export function createPrograms(): Programs {
  const children = new Set<ChildProcess>();

  function start(args: readonly string[], env: Record<string, string> = {}): Program {
    const {
      OPENAI_API_KEY: _,
      OPENAI_BASE_URL: __,
      DRAMATIS_STORE: ___,
      npm_lifecycle_event: ____,
      ...own
    } = process.env;
    const child = spawn(process.execPath, [join(root, "src/cli/main.ts"), ...args], {
      cwd: root,
      env: { ...own, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.add(child);
    let written = "";
    const exited = once(child, "close").then(([code]): number | null => code);
    const heard = (chunk: Buffer) => {
      written += chunk;
      child.emit("heard");
    };
    child.stdout.on("data", heard);
    child.stderr.on("data", heard);
    return {
      child,
      written: () => written,
      async until(pattern) {
        for (;;) {
          const found = pattern.exec(written);
          if (found !== null) return found;
          const ended = exited.then((code) => {
            throw new Error(`It ended with ${code} before ${pattern} came:\n${written}`);
          });
          await Promise.race([once(child, "heard"), ended]);
        }
      },
      exit: async () => ({ code: await exited, written }),
    };
  }

  return {
    start,
    async offline(latencyMs) {
      const server = start(["offline", "--port", "0", "--latency", String(latencyMs)]);
      const [, url = ""] = await server.until(/OPENAI_BASE_URL=(\S+)\n/);
      return { OPENAI_BASE_URL: url, OPENAI_API_KEY: "any-key-will-do" };
    },
    end() {
      for (const child of children) {
        child.kill("SIGCONT");
        child.kill("SIGKILL");
      }
      children.clear();
    },
  };
}
