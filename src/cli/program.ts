/** All commands of `dramatis`, from arguments to an exit code. */
import { Command, CommanderError } from "commander";
import { checkNode } from "../domain/node-version.ts";
import { withoutKeys } from "../domain/secrets.ts";
import { plainText } from "../report/plain-text.ts";
import { packageVersion } from "../scenario/shipped-folder.ts";
import { addBatches } from "./batches.ts";
import { addCheck } from "./check.ts";
import { commandName } from "./command-name.ts";
import { addCosts } from "./costs.ts";
import { EXIT, exitCodeOfError } from "./exit-code.ts";
import { addExperiment } from "./experiment.ts";
import { addExport } from "./export.ts";
import { addKeys } from "./keys.ts";
import { addLimits } from "./limits.ts";
import { addModels } from "./models.ts";
import { addOffline } from "./offline.ts";
import { addPersonas } from "./personas.ts";
import { addQuote } from "./quote.ts";
import { addReconcile } from "./reconcile.ts";
import { addRun } from "./run.ts";
import { addRuns } from "./runs.ts";
import { addScenarios } from "./scenarios.ts";
import { addSimulate } from "./simulate.ts";
import { addStore } from "./store.ts";
import { addStudio } from "./studio.ts";
import type { Terminal } from "./terminal.ts";
import { addUsage } from "./usage.ts";
import { addWorker } from "./worker.ts";

/** A command registers itself; its action imports what it needs, and tells the exit code. */
export type Register = (program: Command, terminal: Terminal, exit: (code: number) => void) => void;

const COMMANDS: readonly Register[] = [
  addRun,
  addSimulate,
  addRuns,
  addBatches,
  addQuote,
  addLimits,
  addExport,
  addScenarios,
  addPersonas,
  addModels,
  addKeys,
  addCosts,
  addUsage,
  addReconcile,
  addCheck,
  addExperiment,
  addOffline,
  addStore,
  addStudio,
  addWorker,
];

/** Runs one command; without any, prints what there is. Errors are printed and become exit codes; nothing is thrown. */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode: number = EXIT.done;
  let store: string | undefined;
  const program = new Command(commandName(terminal.env))
    .description("Simulates conversations between several personas, with exact costs.")
    .version(packageVersion())
    .showHelpAfterError("Run with --help to see what is possible.")
    .showSuggestionAfterError()
    .addHelpText("after", `\nTo begin, without a key: ${commandName(terminal.env)} run product-roundtable`)
    .configureHelp({ helpWidth: Math.min(100, terminal.screen.columns) })
    .configureOutput({
      writeOut: terminal.write,
      writeErr: (text) => terminal.writeError(plainText(withoutKeys(text))),
    })
    .exitOverride();
  program.hook("preAction", (_, command) => {
    store = command.opts<{ store?: string }>().store;
  });
  for (const add of COMMANDS) {
    add(program, terminal, (code) => {
      exitCode = code;
    });
  }
  try {
    checkNode();
    await program.parseAsync(args.length === 0 ? ["--help"] : [...args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.userError;
    const { renderError } = await import("./screen/error.ts");
    const { messageFor } = await import("./shown-command.ts");
    const { env } = terminal;
    const text = renderError(error, env.OPENAI_API_KEY, (known) => messageFor(known, { env, store }));
    terminal.writeError(`${text}\n`);
    return exitCodeOfError(error);
  }
}
