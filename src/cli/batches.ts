/** `dramatis batches`: what goes by batch, wave by wave, and ending one. */
import type { Command } from "commander";
import type { BatchesFlags } from "./batches-actions.ts";
import { STORE_FLAG, STORE_WORDS } from "./store-option.ts";
import type { Terminal } from "./terminal.ts";
import { some, wholeNumber } from "./values.ts";

const SHOWN = 50;

export function addBatches(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  const load = () => import("./batches-actions.ts");
  const batches = program.command("batches").description("batches of requests: list, show or cancel them");
  const withStoreFlags = (command: Command) =>
    command
      .option(STORE_FLAG, STORE_WORDS, some("an address"))
      .option("--json", "print one JSON value and nothing else");

  withStoreFlags(batches.command("list", { isDefault: true }))
    .description("the batches of a run, or of all runs, newest first")
    .argument("[run]", "its id")
    .option("--limit <n>", "show so many at most", wholeNumber(1), SHOWN)
    .action(async (run: string | undefined, flags: BatchesFlags & { limit: number }) =>
      exit(await (await load()).list(run, flags, terminal)),
    );
  withStoreFlags(batches.command("show"))
    .description("one batch: its wave, its ids, and how far it is")
    .argument("<batch>", "its id, or the beginning of it, or the provider's")
    .action(async (id: string, flags: BatchesFlags) => exit(await (await load()).show(id, flags, terminal)));
  withStoreFlags(batches.command("cancel"))
    .description("have the provider end a batch; what it has answered is paid and used, the rest fails")
    .argument("<batch>", "its id, or the beginning of it, or the provider's")
    .option("--key-file <file>", "a file that holds an API key and nothing else", some("a file"))
    .action(async (id: string, flags: BatchesFlags) =>
      exit(await (await load()).cancel(id, flags, terminal)),
    );
}
