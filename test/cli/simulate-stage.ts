/** Commands of runs against a server that keeps its own bill, with a Ctrl-C that tests press when they want. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadCatalog } from "../../src/catalog/catalog.ts";
import { runCommand } from "../../src/cli/program.ts";
import type { InterruptCause } from "../../src/cli/terminal.ts";
import { generateReply } from "../../src/offline/generator/generator.ts";
import { createOfflineServer, type OfflineServer } from "../../src/offline/server.ts";
import { type SampleTerminalOptions, sampleTerminal } from "./sample-terminal.ts";
import { TWO_PEOPLE } from "./two-people.ts";

export interface Result {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface Stage {
  server: OfflineServer;
  folder: string;
  /** Of the store. */
  address: string;
  /** A scenario of two people and four turns. */
  scenario: string;
  /** Runs a command on the store. */
  dramatis(...args: string[]): Promise<Result>;
  /** The same in a terminal of another kind. */
  dramatisIn(options: SampleTerminalOptions, ...args: string[]): Promise<Result>;
  /** The object a command prints with `--json`. */
  json(...args: string[]): Promise<Record<string, unknown>>;
  /** Presses Ctrl-C in every command under way. */
  press(): void;
  /** Called before each answer is written, with how many there were. */
  onAnswer: ((count: number) => void) | undefined;
  close(): Promise<void>;
}

export async function openStage(storeAddress: (folder: string) => string | Promise<string>): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), "dramatis-simulate-"));
  const scenario = join(folder, "two-people.yaml");
  writeFileSync(scenario, TWO_PEOPLE);
  const listeners = new Set<(cause: InterruptCause) => void>();
  let answers = 0;
  const server = createOfflineServer({
    models: [...loadCatalog().models.values()],
    recordRequests: false,
    generator: (request) => {
      stage.onAnswer?.(++answers);
      return generateReply(request);
    },
  });
  const { url, close } = await server.listen(0);
  const env = {
    OPENAI_API_KEY: "sk-any",
    OPENAI_BASE_URL: `${url}/v1`,
    DRAMATIS_STORE: await storeAddress(folder),
  };

  async function dramatisIn(options: SampleTerminalOptions, ...args: string[]): Promise<Result> {
    const { terminal, written } = sampleTerminal({ env, ...options });
    const exitCode = await runCommand(args, {
      ...terminal,
      onInterrupt(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    });
    return { exitCode, ...written };
  }

  const stage: Stage = {
    server,
    folder,
    address: env.DRAMATIS_STORE,
    scenario,
    dramatis: (...args) => dramatisIn({}, ...args),
    dramatisIn,
    async json(...args) {
      return JSON.parse((await dramatisIn({}, ...args, "--json")).stdout);
    },
    press() {
      for (const listener of listeners) listener("signal");
    },
    onAnswer: undefined,
    async close() {
      await close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return stage;
}
