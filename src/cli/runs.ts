/** `dramatis runs`, `show`, `status`, `cancel` and `delete`: what is in a store, and what becomes of it. */
import { type Command, Option } from "commander";
import type { ConversationStatus } from "../store/conversations.ts";
import type { ListFlags, StoreFlags } from "./runs-actions.ts";
import { STORE_FLAG, STORE_WORDS } from "./store-option.ts";
import type { Terminal } from "./terminal.ts";
import { some, wholeNumber } from "./values.ts";

/** Keys in the order help shows them. */
const STATUSES: Record<ConversationStatus, true> = {
  waiting: true,
  running: true,
  parked: true,
  completed: true,
  budget: true,
  interrupted: true,
  failed: true,
  cancelled: true,
};

const SHOWN = 50;

export function addRuns(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  const load = () => import("./runs-actions.ts");
  const most = (what: string) => `show so many ${what} at most`;
  const storeOption = (command: Command) => command.option(STORE_FLAG, STORE_WORDS, some("an address"));

  storeOption(program.command("runs"))
    .description("list the runs of a store, newest first")
    .option("--limit <n>", most("runs"), wholeNumber(1), SHOWN)
    .option("--json", "print one JSON array and nothing else")
    .action(async (flags: ListFlags) => exit(await (await load()).listAll(flags, terminal)));

  storeOption(program.command("show"))
    .description("show a run with its conversations, or a conversation with its transcript")
    .argument("<id>", "of a run or of a conversation")
    .option("--limit <n>", most("conversations"), wholeNumber(1), SHOWN)
    .addOption(
      new Option("--status <status>", "of a run, conversations of this status only").choices(
        Object.keys(STATUSES),
      ),
    )
    .option("--json", "print one JSON object and nothing else: of a conversation, its record")
    .action(async (id: string, flags: ListFlags) => exit(await (await load()).show(id, flags, terminal)));

  storeOption(program.command("status"))
    .description("say how far runs are")
    .argument("[run]", "default: all that are not over")
    .option("--watch", "go on until the run is over")
    .option("--json", "print one JSON object and nothing else")
    .action(async (id: string | undefined, flags: StoreFlags & { watch?: boolean }) =>
      exit(await (await load()).status(id, flags, terminal)),
    );

  storeOption(program.command("cancel"))
    .description("end a run: nothing more of it is begun, what is under way ends after its turn")
    .argument("<run>", "its id")
    .option("--json", "print the run as one JSON object and nothing else")
    .action(async (id: string, flags: StoreFlags) => exit(await (await load()).cancel(id, flags, terminal)));

  storeOption(program.command("delete"))
    .description("delete a run with its conversations and everything of them")
    .argument("<run>", "its id")
    .option("--yes", "without saying first what would be deleted")
    .option("--json", "print the run, as it was, as one JSON object and nothing else")
    .action(async (id: string, flags: StoreFlags & { yes?: boolean }) =>
      exit(await (await load()).remove(id, flags, terminal)),
    );
}
