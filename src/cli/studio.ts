/** `dramatis studio`: the graph server of this repository on a free port, to be opened in LangGraph Studio. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { DramatisError } from "../domain/errors.ts";
import { EXIT } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";
import { wholeNumber } from "./values.ts";

/** The graph server's own default; browsers' bookmarks know it. */
const USUAL_PORT = 2024;
const LOOPBACK = "127.0.0.1";

interface StudioFlags {
  port?: number;
  reload: boolean;
}

export function addStudio(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  program
    .command("studio")
    .description("start the graph server for LangGraph Studio, from a folder with a langgraph.json")
    .option(
      "--port <n>",
      `default: ${USUAL_PORT}, or any free one when that is taken`,
      wholeNumber(1, 65_535),
    )
    .option("--no-reload", "do not start again when a file changes")
    .action(async (flags: StudioFlags) => exit(await studio(flags, terminal)));
}

/** The port if it is free; undefined if it is taken. Port 0 finds any. */
const freePort = (port: number): Promise<number | undefined> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(undefined));
    probe.listen(port, LOOPBACK, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" ? address?.port : undefined));
    });
  });

/** The program of the package @langchain/langgraph-cli, which is a development dependency. */
function graphServer(): string {
  try {
    const require = createRequire(join(process.cwd(), "package.json"));
    const manifest = require.resolve("@langchain/langgraph-cli/package.json");
    const { bin } = require(manifest) as { bin: Record<string, string> };
    return join(dirname(manifest), bin.langgraphjs ?? Object.values(bin)[0] ?? "");
  } catch (cause) {
    const message =
      "The graph server is not installed here. Run: npm install --save-dev @langchain/langgraph-cli@1.5.1";
    throw new DramatisError("invalid-argument", message, { cause });
  }
}

async function studio({ port: wanted, reload }: StudioFlags, terminal: Terminal): Promise<number> {
  if (!existsSync("langgraph.json")) {
    throw new DramatisError(
      "invalid-argument",
      "There is no langgraph.json in this folder. Go to the folder that has one.",
    );
  }
  const port =
    (await freePort(wanted ?? USUAL_PORT)) ?? (wanted === undefined ? await freePort(0) : undefined);
  if (port === undefined) {
    throw new DramatisError("port-in-use", `Port ${wanted} is taken. Leave --port out to take any free one.`);
  }
  if (wanted === undefined && port !== USUAL_PORT) {
    terminal.writeError(`Port ${USUAL_PORT} is taken; the graph server gets ${port}.\n`);
  }
  const args = [
    graphServer(),
    "dev",
    "--no-browser",
    "--host",
    LOOPBACK,
    "--port",
    String(port),
    ...(reload ? [] : ["--no-reload"]),
  ];
  // In a group of its own it hears of Ctrl-C from here alone. The graph server, its watcher and the terminal would each
  // send a signal otherwise, and the watcher kills a server that is still storing its threads at the second.
  const server = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"], detached: true });
  let isInterrupted = false;
  const dispose = terminal.onInterrupt(() => {
    isInterrupted = true;
    server.kill("SIGTERM");
  });
  const code = await new Promise<number>((resolve) => server.once("exit", (status) => resolve(status ?? 0)));
  dispose();
  return isInterrupted ? EXIT.done : code;
}
