/** `dramatis export`: a run's turns, conversations or training examples as a file, or on standard output. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { ConversationStatus } from "../store/conversations.ts";
import type { ExportFlags, Format, Level } from "./export-run.ts";
import { NO_GUARD_FLAG, NO_GUARD_WORDS } from "./formula-guard.ts";
import { STORE_FLAG, STORE_WORDS } from "./store-option.ts";
import type { Terminal } from "./terminal.ts";
import { some } from "./values.ts";

const FORMATS: readonly Format[] = ["jsonl", "csv", "parquet", "chat"];
const LEVELS: readonly Level[] = ["turn", "conversation"];

/** All but `completed`; naming the schema's own list here would load all schemas for the help. */
const LEFT_OUT: Record<Exclude<ConversationStatus, "completed">, true> = {
  budget: true,
  failed: true,
  interrupted: true,
  waiting: true,
  running: true,
  parked: true,
  cancelled: true,
};
const STATUSES = Object.keys(LEFT_OUT) as (keyof typeof LEFT_OUT)[];

/** `failed,budget`, or `all`. */
function statuses(text: string): ConversationStatus[] {
  if (text === "all") return STATUSES;
  return text.split(",").map((given) => {
    const known = STATUSES.find((status) => status === given.trim());
    if (known !== undefined) return known;
    throw new InvalidArgumentError(`Expected all, or some of ${STATUSES.join(", ")}, joined by commas.`);
  });
}

export function addExport(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  program
    .command("export")
    .description("write what a run's conversations were, for notebooks, spreadsheets or fine-tuning")
    .argument("<run>", "the run's id")
    .addOption(
      new Option(
        "--format <format>",
        "chat: one training example a persona and conversation (default: as --out is called, else jsonl)",
      ).choices(FORMATS),
    )
    .addOption(new Option("--level <level>", "one row a turn, or a conversation").choices(LEVELS))
    .option(
      "--out <file>",
      "where it goes, replacing what is there once it is whole (default: standard output)",
      some("a file"),
    )
    .option("--persona <id>", "this persona's turns or examples only", some("a persona's id"))
    .option(
      "--include <statuses>",
      "also conversations that are: failed, budget, interrupted, waiting, running, cancelled, or all",
      statuses,
    )
    .option(NO_GUARD_FLAG, NO_GUARD_WORDS)
    .option(STORE_FLAG, STORE_WORDS, some("an address"))
    .action(async (run: string, flags: ExportFlags) => {
      const { exportRun } = await import("./export-run.ts");
      exit(await exportRun(run, flags, terminal));
    });
}
