/** `dramatis reconcile`: a store's ledger beside what the provider counted and charged. */
import type { Command } from "commander";
import { moment } from "./moment.ts";
import type { ReconcileFlags } from "./reconcile-report.ts";
import { STORE_FLAG, STORE_WORDS } from "./store-option.ts";
import type { Terminal } from "./terminal.ts";
import { names, some } from "./values.ts";

export function addReconcile(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  program
    .command("reconcile")
    .description(
      "compare a store's ledger with what the provider counted and charged, by day, model and tier; takes an admin key",
    )
    .option(
      "--since <time>",
      "a date or how long ago, in UTC: 2026-11-01, 7d; days are whole (default: 7d)",
      moment,
    )
    .option("--until <time>", "the same; the day it is in is the last (default: now)", moment)
    .option(STORE_FLAG, STORE_WORDS, some("an address"))
    .option(
      "--project <list>",
      "ids of projects, joined by commas (default: OPENAI_PROJECT_ID, else all)",
      names,
    )
    .option("--key <list>", "ids of keys, not keys, joined by commas (default: all)", names)
    .option("--catalog <file>", "a YAML file with your own models and prices", some("a file"))
    .option("--json", "print one JSON object and nothing else; what is unknown is null")
    .action(async (flags: ReconcileFlags) => {
      const { reportReconciliation } = await import("./reconcile-report.ts");
      exit(await reportReconciliation(flags, terminal));
    });
}
