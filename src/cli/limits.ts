/** `dramatis limits`: what an account may ask of each model, and how long a scenario's conversations take at best. */
import { type Command, Option } from "commander";
import type { LimitsFlags } from "./limits-report.ts";
import { COMPLEXITIES } from "./run.ts";
import type { Terminal } from "./terminal.ts";
import { some, wholeNumber } from "./values.ts";

export function addLimits(program: Command, terminal: Terminal): void {
  program
    .command("limits")
    .description(
      "show a project's limits by model, and how long a scenario's conversations take at best; takes an admin key",
    )
    .argument("[scenario]", "a scenario file, or the id of one that comes with Dramatis")
    .option("--project <id>", "whose limits (default: OPENAI_PROJECT_ID)", some("a project's id"))
    .option("--all", "also models that the catalog does not know")
    .option("--runs <n>", "conversations of the scenario (default: 1)", wholeNumber(1, 1_000_000))
    .option("--turns <n>", "replaces the scenario's limit of turns", wholeNumber(1))
    .option("--model <id>", "the model of every persona; replaces the selection", some("a model"))
    .addOption(
      new Option("--complexity <level>", "replaces the scenario's").choices(Object.keys(COMPLEXITIES)),
    )
    .option("--rpm <n>", "requests a minute of each model, instead of the project's", wholeNumber(1))
    .option("--tpm <n>", "tokens a minute of each model, instead of the project's", wholeNumber(1))
    .option("--catalog <file>", "a YAML file with your own models and prices", some("a file"))
    .option("--json", "print one JSON object and nothing else")
    .action(async (scenario: string | undefined, flags: LimitsFlags) => {
      const { reportLimits } = await import("./limits-report.ts");
      await reportLimits(scenario, flags, terminal);
    });
}
