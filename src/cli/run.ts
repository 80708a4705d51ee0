/** `dramatis run`: one conversation in the terminal, with its cost, and its record on disk. */
import { type Command, Option } from "commander";
import type { Complexity, Strategy } from "../domain/scenario.ts";
import { withGatewayFlags } from "./gateway-flags.ts";
import type { RunFlags } from "./run-flags.ts";
import { STORE_FLAG } from "./store-option.ts";
import type { Terminal } from "./terminal.ts";
import { withTransportFlags } from "./transport-flags.ts";
import { dollars, some, wholeNumber } from "./values.ts";

/** Keys in the order help shows them; importing the schema that names them would load all schemas for it. */
export const COMPLEXITIES: Record<Complexity, true> = { low: true, medium: true, high: true, auto: true };

export const STRATEGIES: Record<Strategy, true> = { full: true, window: true, compact: true };

/** What prices are to be had for, in `run` and `simulate`. */
export const withTierFlags = (command: Command): Command =>
  command
    .addOption(
      new Option(
        "--tier <tier>",
        "the price of all requests: flex is half of it, slower, and not offered for every model",
      ).choices(["standard", "flex"]),
    )
    .addOption(
      new Option(
        "--tier-fallback <tier>",
        "with --tier flex: how to send what flex has no room for, or does not offer",
      ).choices(["standard"]),
    );

export function addRun(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  const run = program
    .command("run")
    .description("run a conversation")
    .argument("<scenario>", "a scenario file, or the id of one that comes with Dramatis")
    .option("--seed <n>", "same seed, same offline conversation", wholeNumber(0, 2 ** 31 - 1))
    .option(
      "--turns <n>",
      "end after so many turns at the latest; replaces the scenario's limit",
      wholeNumber(1),
    )
    .option("--model <id>", "the model of every persona; replaces the selection", some("a model"))
    .addOption(
      new Option("--complexity <level>", "replaces the scenario's").choices(Object.keys(COMPLEXITIES)),
    )
    .addOption(
      new Option(
        "--context <strategy>",
        "how much of a long transcript is shown: all, the latest, or the latest and a summary",
      ).choices(Object.keys(STRATEGIES)),
    )
    .option(
      "--max-cost <dollars>",
      "end before the cost passes this; replaces the scenario's budget",
      dollars,
    )
    .option(
      "--out <folder>",
      "where the record goes (default: dramatis-out/<conversation id>)",
      some("a folder"),
    );
  withTransportFlags(withTierFlags(withGatewayFlags(run)))
    .option(
      STORE_FLAG,
      "keep it in a store, where `dramatis resume` goes on with it; by batch it always is (default then: DRAMATIS_STORE, else ./.dramatis)",
      some("an address"),
    )
    .option(
      "--log <file>",
      "JSON lines of failed attempts (default: attempts.jsonl beside the record)",
      some("a file"),
    )
    .option("--log-prompts", "write what was sent into that log as well")
    .option("--offline", "use the offline server although there is a key")
    .option("--cache", "answer identical requests of this run once, from memory")
    .option(
      "--record <file>",
      "keep every request and its answer in a new file; no key is in it",
      some("a file"),
    )
    .addOption(
      new Option("--replay <file>", "answer everything from such a file: no key, no network, nothing charged")
        .argParser(some("a file"))
        .conflicts(["record", "cache", "offline", "keyFile"]),
    )
    .option("--json", "print one JSON object and nothing else")
    .option(
      "--explain-prompt <turn>",
      "print what was sent for this turn, private notes included, with tokens part by part",
      wholeNumber(1),
    )
    .option("--no-stream", "print messages whole, not word by word; also for servers that cannot stream")
    .option("--quiet", "print the end only, not every turn")
    .addHelpText(
      "after",
      "\nExit codes: 0 done, 1 wrong use, 2 the conversation failed, 3 budget reached, 130 interrupted.",
    )
    .action(async (name: string, flags: RunFlags) => {
      const { runScenario } = await import("./run-scenario.ts");
      exit(await runScenario(name, flags, terminal));
    });
}
