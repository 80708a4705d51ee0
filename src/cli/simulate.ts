/** `dramatis simulate`, `resume` and `retry`: many conversations of a scenario, kept in a store, held in this process. */
import { type Command, Option } from "commander";
import { withGatewayFlags } from "./gateway-flags.ts";
import { COMPLEXITIES, STRATEGIES, withTierFlags } from "./run.ts";
import type { SimulateFlags, WorkFlags } from "./simulate-run.ts";
import { STORE_FLAG, STORE_WORDS } from "./store-option.ts";
import type { Terminal } from "./terminal.ts";
import { withTransportFlags } from "./transport-flags.ts";
import { dollars, some, wholeNumber } from "./values.ts";

const CONCURRENCY = 10;
const MOST_AT_ONCE = 10_000;

const EXIT_CODES =
  "\nExit codes: 0 done, 1 wrong use, 2 a conversation failed, 3 budget reached, 130 interrupted.";

const withWorkFlags = (command: Command): Command =>
  withGatewayFlags(command)
    .option(
      "--concurrency <n>",
      "conversations at a time, in this process",
      wholeNumber(1, MOST_AT_ONCE),
      CONCURRENCY,
    )
    .option(STORE_FLAG, STORE_WORDS, some("an address"))
    .option("--offline", "use the offline server although there is a key")
    .option("--json", "print one JSON object and nothing else")
    .option("--quiet", "print the end only")
    .addHelpText("after", EXIT_CODES);

export function addSimulate(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  const simulate = program
    .command("simulate")
    .description("hold many conversations of a scenario, kept in a store")
    .argument("<scenario>", "a scenario or an experiment: a file, or the id of one that comes with Dramatis")
    .option("--runs <n>", "how many conversations of a scenario (default: 1)", wholeNumber(1, 1_000_000))
    .option("--id <id>", "names the run; the same command again goes on with what is missing", some("an id"))
    .option("--seed <n>", "of the first conversation; each further one has the next", wholeNumber(0, 2 ** 30))
    .option("--max-cost <dollars>", "a cap that all conversations share, on all workers", dollars)
    .option(
      "--turns <n>",
      "end each after so many turns at the latest; replaces the scenario's limit",
      wholeNumber(1),
    )
    .option("--model <id>", "the model of every persona; replaces the selection", some("a model"))
    .addOption(
      new Option("--complexity <level>", "replaces the scenario's").choices(Object.keys(COMPLEXITIES)),
    )
    .addOption(
      new Option("--context <strategy>", "how much of a long transcript is shown").choices(
        Object.keys(STRATEGIES),
      ),
    );
  withTierFlags(withWorkFlags(withTransportFlags(simulate))).action(
    async (name: string, flags: SimulateFlags) => {
      const { simulate } = await import("./simulate-run.ts");
      exit(await simulate(name, flags, terminal));
    },
  );

  const resume = program
    .command("resume")
    .description("go on with a run that was stopped, killed, cancelled, or ended at its cap")
    .argument("<run>", "its id")
    .option("--max-cost <dollars>", "a higher cap: what ended at the old one goes on", dollars);
  withWorkFlags(resume).action(async (id: string, flags: WorkFlags & { maxCost?: number }) => {
    const { resume } = await import("./simulate-run.ts");
    exit(await resume(id, flags, terminal));
  });

  const retry = program
    .command("retry")
    .description("let the failed conversations of a run go on where they failed")
    .argument("<run>", "its id");
  withWorkFlags(retry).action(async (id: string, flags: WorkFlags) => {
    const { retry } = await import("./simulate-run.ts");
    exit(await retry(id, flags, terminal));
  });
}
