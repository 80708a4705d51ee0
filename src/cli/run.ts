/** `dramatis run`: one conversation in the terminal, with its cost, and its record on disk. */
import { join } from "node:path";
import { type Command, Option } from "commander";
import { newConversationId, openDramatis } from "../app.ts";
import type { ConversationContextInput } from "../conversation/state.ts";
import type { ConversationRecord } from "../domain/record.ts";
import { COMPLEXITY_LEVELS, type Complexity } from "../domain/scenario.ts";
import { findScenario } from "../scenario/find-scenario.ts";
import { exitCodeOf } from "./exit-code.ts";
import { prepareFolder, writeRecord } from "./record-files.ts";
import { runJson } from "./run-json.ts";
import { createRunScreen } from "./run-screen.ts";
import type { Terminal } from "./terminal.ts";
import { dollars, wholeNumber } from "./values.ts";

export interface RunFlags {
  seed?: number;
  turns?: number;
  model?: string;
  complexity?: Complexity;
  maxCost?: number;
  out?: string;
  catalog?: string;
  json?: boolean;
  quiet?: boolean;
  offline?: boolean;
}

/** Where records go when no folder is named. */
const DEFAULT_FOLDER = "dramatis-out";
/** npm passes on the Ctrl-C that the terminal has sent already; the second of such a pair means nothing. */
const ECHO_MS = 500;

export function addRun(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  program
    .command("run")
    .description("run a conversation")
    .argument("<scenario>", "a scenario file, or the id of one that comes with Dramatis")
    .option("--seed <n>", "same seed, same offline conversation", wholeNumber(0, 2 ** 31 - 1))
    .option(
      "--turns <n>",
      "end after so many turns at the latest; replaces the scenario's limit",
      wholeNumber(1),
    )
    .option("--model <id>", "the model of every persona; replaces the selection")
    .addOption(
      new Option("--complexity <level>", "replaces the scenario's").choices([...COMPLEXITY_LEVELS, "auto"]),
    )
    .option(
      "--max-cost <dollars>",
      "end before the cost passes this; replaces the scenario's budget",
      dollars,
    )
    .option("--out <folder>", `where the record goes (default: ${DEFAULT_FOLDER}/<conversation id>)`)
    .option("--catalog <file>", "a YAML file with your own models and prices")
    .option("--offline", "use the offline server although OPENAI_API_KEY is set")
    .option("--json", "print one JSON object and nothing else")
    .option("--quiet", "print the end only, not every turn")
    .addHelpText(
      "after",
      "\nExit codes: 0 done, 1 wrong use, 2 the conversation failed, 3 budget reached, 130 interrupted.",
    )
    .action(async (name: string, flags: RunFlags) => exit(await run(name, flags, terminal)));
}

function contextOf({ turns, model, complexity, maxCost }: RunFlags): ConversationContextInput {
  return {
    ...(turns === undefined ? {} : { maxTurns: turns }),
    ...(model === undefined ? {} : { models: { "*": model } }),
    ...(complexity === undefined ? {} : { complexity }),
    ...(maxCost === undefined ? {} : { budget: { maxCostUsd: maxCost } }),
  };
}

/** The first Ctrl-C lets the turn in flight finish, the second breaks it off. */
function interrupts(terminal: Terminal, note: (text: string) => void) {
  const afterTurn = new AbortController();
  const atOnce = new AbortController();
  let firstAt: number | undefined;
  const dispose = terminal.onInterrupt(() => {
    if (firstAt === undefined) {
      firstAt = terminal.clock();
      afterTurn.abort();
      note("Stopping after this turn. Press Ctrl-C again to stop at once.");
    } else if (terminal.clock() - firstAt > ECHO_MS) atOnce.abort();
  });
  return { afterTurn: afterTurn.signal, atOnce: atOnce.signal, dispose };
}

async function run(name: string, flags: RunFlags, terminal: Terminal): Promise<number> {
  const scenario = findScenario(name);
  const dramatis = await openDramatis({
    catalogFile: flags.catalog,
    offline: flags.offline,
    env: terminal.env,
    clock: terminal.clock,
  });
  if (flags.model !== undefined) dramatis.catalog.model(flags.model);
  const conversationId = newConversationId(scenario.id, terminal.clock());
  const folder = flags.out ?? join(DEFAULT_FOLDER, conversationId);
  prepareFolder(folder);

  const seed = flags.seed ?? scenario.seed ?? Math.floor(Math.random() * 2 ** 31);
  const context = contextOf(flags);
  const screen = createRunScreen({ scenario, dramatis, context, seed, terminal, mode: modeOf(flags) });
  screen.open();
  const stop = interrupts(terminal, screen.note);
  let record: ConversationRecord;
  try {
    record = await dramatis.run(scenario, {
      conversationId,
      context,
      input: { seed },
      stopSignal: stop.afterTurn,
      signal: stop.atOnce,
      onEvent: screen.show,
    });
  } finally {
    stop.dispose();
    screen.close();
  }
  const files = writeRecord(record, folder);
  if (flags.json) terminal.write(`${JSON.stringify(runJson(record, dramatis.offline?.bill, files))}\n`);
  else screen.end(record, files);
  return exitCodeOf[record.status];
}

const modeOf = ({ json, quiet }: RunFlags) => (json ? "json" : quiet ? "quiet" : "full");
