/** `dramatis quote`: what a scenario will cost, before anything is paid. */
import { type Command, Option } from "commander";
import { COMPLEXITIES } from "./run.ts";
import type { RunFlags } from "./run-flags.ts";
import type { Terminal } from "./terminal.ts";
import { catalogPath, inputPath } from "./typed-path.ts";
import { dollars, some, wholeNumber } from "./values.ts";

interface QuoteFlags
  extends Pick<RunFlags, "seed" | "turns" | "model" | "complexity" | "maxCost" | "catalog" | "json"> {
  runs?: number;
}

export function addQuote(program: Command, terminal: Terminal): void {
  program
    .command("quote")
    .description("say what a conversation will cost, expected and at most; free, without a key or a network")
    .argument("<scenario>", "a scenario file, or the id of one that comes with Dramatis")
    .option("--runs <n>", "for so many conversations", wholeNumber(1, 1_000_000))
    .option("--seed <n>", "of the first of three sample runs", wholeNumber(0, 2 ** 31 - 1))
    .option("--turns <n>", "replaces the scenario's limit of turns", wholeNumber(1))
    .option("--model <id>", "the model of every persona; replaces the selection", some("a model"))
    .addOption(
      new Option("--complexity <level>", "replaces the scenario's").choices(Object.keys(COMPLEXITIES)),
    )
    .option("--max-cost <dollars>", "replaces the scenario's budget", dollars)
    .option("--catalog <file>", "a YAML file with your own models and prices", some("a file"))
    .option("--json", "print one JSON object and nothing else")
    .action(async (name: string, flags: QuoteFlags) => {
      const { openDramatis } = await import("../app.ts");
      const { findScenario } = await import("../scenario/find-scenario.ts");
      const { jsonText } = await import("../report/json-text.ts");
      const { checkModel, contextOf } = await import("./run-flags.ts");
      const { renderQuote } = await import("./screen/quote.ts");
      const scenario = findScenario(inputPath(name, terminal.env));
      const dramatis = await openDramatis({
        catalogFile: catalogPath(flags.catalog, terminal.env),
        offline: true,
        env: terminal.env,
      });
      if (flags.model !== undefined) checkModel(flags.model, dramatis.catalog);
      const { seed, runs, json } = flags;
      const quote = await dramatis.quote(scenario, { context: contextOf(flags), seed, runs });
      terminal.write(
        json ? `${jsonText(withNulls(quote))}\n` : `${renderQuote(quote, terminal.screen).join("\n")}\n`,
      );
    });
}

/** What is unknown is null: a key that is missing is easily taken for 0. */
const withNulls = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, inner: unknown) => (inner === undefined ? null : inner)));
