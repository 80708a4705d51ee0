/** `dramatis worker`: holds conversations of a store's runs until it is stopped; any number of them share one Postgres. */
import type { Command } from "commander";
import { withGatewayFlags } from "./gateway-flags.ts";
import { STORE_FLAG, STORE_WORDS } from "./store-option.ts";
import type { Terminal } from "./terminal.ts";
import { some, wholeNumber } from "./values.ts";
import type { WorkerFlags } from "./work.ts";

const MOST_AT_ONCE = 10_000;

export function addWorker(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  const worker = program
    .command("worker")
    .description("hold conversations of a store's runs, on any number of machines, until it is stopped")
    .option(STORE_FLAG, STORE_WORDS, some("an address"))
    .option("--concurrency <n>", "conversations at a time", wholeNumber(1, MOST_AT_ONCE), 16)
    .option("--name <name>", "in the store and in its figures (default: host and process)", some("a name"))
    .option(
      "--port <n>",
      "serve /healthz, /readyz, /metrics and webhooks; 0: any free port",
      wholeNumber(0, 65_535),
    )
    .option(
      "--host <address>",
      "where that can be reached; 0.0.0.0: from everywhere",
      some("an address"),
      "127.0.0.1",
    )
    .option("--grace <seconds>", "how long turns in flight may take after a stop", wholeNumber(0, 86_400), 60)
    .option("--drain", "end when no conversation waits and none is held, here or elsewhere");
  withGatewayFlags(worker)
    .option("--offline", "answer from the offline server; without a key nothing else is possible")
    .option(
      "--webhook-secret-file <file>",
      "a file that holds the secret of OpenAI's webhooks to /webhooks/openai (default: OPENAI_WEBHOOK_SECRET, else the vault)",
      some("a file"),
    )
    .option("--log <file>", "JSON lines of failed attempts (default: none)", some("a file"))
    .option("--json", "write its own log as JSON lines")
    .addHelpText(
      "after",
      "\nWith a webhook's secret, events batch.completed, failed, expired and cancelled that come to /webhooks/openai are" +
        "\nchecked, and the batch is asked after at once; without one, by asking now and then." +
        "\n\nSIGTERM or Ctrl-C: turns in flight are finished and their conversations given back; a second one ends it at once." +
        "\nExit codes: 0 stopped or drained, 1 wrong use, 2 failed, 130 ended at once or after --grace.",
    )
    .action(async (flags: WorkerFlags) => {
      const { work } = await import("./work.ts");
      exit(await work(flags, terminal));
    });
}
