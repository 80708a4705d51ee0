/** `dramatis store`: what is in a store, whether it is sound, and its backup, restore, move and vacuum. */
import type { Command } from "commander";
import { DramatisError } from "../domain/errors.ts";
import type { Store } from "../store/store.ts";
import { EXIT } from "./exit-code.ts";
import { shellWord, shownCommand } from "./shown-command.ts";
import { STORE_FLAG, STORE_WORDS } from "./store-option.ts";
import type { Terminal } from "./terminal.ts";
import { inputPath, outputPath } from "./typed-path.ts";
import { some } from "./values.ts";

interface StoreFlags {
  store?: string;
  json?: boolean;
}

/** Looks into a store that is there, and leaves what is in it as it is. */
async function lookInto<T>(
  typed: string | undefined,
  terminal: Terminal,
  use: (store: Store) => Promise<T>,
): Promise<T> {
  const { openAsItIs, withStore } = await import("./run-store.ts");
  return await withStore(await openAsItIs(typed, terminal), use);
}

async function showInfo(flags: StoreFlags, terminal: Terminal): Promise<void> {
  const { infoOf } = await import("../store/info.ts");
  const { renderStoreInfo } = await import("./screen/store.ts");
  const info = await lookInto(flags.store, terminal, infoOf);
  if (flags.json) terminal.write(`${JSON.stringify(info, null, 2)}\n`);
  else terminal.write(`${renderStoreInfo(info, terminal.screen).join("\n")}\n`);
}

/** Exit code 2 when something is wrong. */
async function check(flags: StoreFlags, terminal: Terminal): Promise<number> {
  const { inconsistenciesOf } = await import("../store/consistency.ts");
  const { queueInconsistencies } = await import("../fleet/queue-check.ts");
  const { renderInconsistencies } = await import("./screen/store.ts");
  const { place, found } = await lookInto(flags.store, terminal, async ({ sql, place }) => {
    const found = await inconsistenciesOf(sql);
    return { place, found: [...found, ...(await queueInconsistencies(sql))] };
  });
  if (flags.json)
    terminal.write(`${JSON.stringify({ place, isSound: found.length === 0, problems: found }, null, 2)}\n`);
  else terminal.write(`${renderInconsistencies(place, found, terminal.screen).join("\n")}\n`);
  return found.length === 0 ? EXIT.done : EXIT.failed;
}

async function move(
  fromAddress: string,
  toAddress: string,
  isJson: boolean,
  terminal: Terminal,
): Promise<void> {
  const { moveStore } = await import("../store/move.ts");
  const { openStore } = await import("../store/store.ts");
  const { openQueue } = await import("../fleet/queue.ts");
  const { heldNow } = await import("../fleet/queue-check.ts");
  const { renderMoved } = await import("./screen/store.ts");
  const { fullAddress } = await import("./run-store.ts");
  const moved = await lookInto(fromAddress, terminal, async (from) => {
    const held = from.engine === "postgres" ? await heldNow(from.sql) : 0;
    if (held > 0) {
      throw new DramatisError(
        "store-busy",
        `Workers have ${held} conversations of ${from.place} in hand. Stop them first; nothing was moved.`,
      );
    }
    const to = await openStore(fullAddress(toAddress, terminal));
    const queue = await openQueue(to, () => undefined);
    try {
      const onRows = terminal.hasProgress
        ? ({ table, rows, of }: { table: string; rows: number; of: number }) =>
            terminal.writeError(
              `\r\u001B[K ${table}: ${rows.toLocaleString("en-US")} of ${of.toLocaleString("en-US")}`,
            )
        : undefined;
      const moved = await moveStore({ from, to, enqueue: queue.add, onRows });
      return { from: from.place, to: to.place, ...moved };
    } finally {
      if (terminal.hasProgress) terminal.writeError("\r\u001B[K");
      await queue.close();
      await to.close();
    }
  });
  if (isJson) terminal.write(`${JSON.stringify(moved, null, 2)}\n`);
  else terminal.write(`${renderMoved(moved, terminal.screen).join("\n")}\n`);
}

export function addStore(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  const store = program.command("store").description("look after the place where simulations are kept");
  const print = (text: string) => terminal.write(`${text}\n`);
  const JSON_WORDS = "print JSON";

  store
    .command("info", { isDefault: true })
    .description("engine, place, sizes, and how much there is of what")
    .option(STORE_FLAG, STORE_WORDS, some("a store"))
    .option("--json", JSON_WORDS)
    .action((flags: StoreFlags) => showInfo(flags, terminal));

  store
    .command("check")
    .description("whether counts, sums and money agree with each other; exit code 2 where they do not")
    .option(STORE_FLAG, STORE_WORDS, some("a store"))
    .option("--json", JSON_WORDS)
    .action(async (flags: StoreFlags) => exit(await check(flags, terminal)));

  store
    .command("backup")
    .description("write an embedded store to one new file")
    .argument("<file>")
    .option(STORE_FLAG, STORE_WORDS, some("a store"))
    .action(async (file: string, flags: StoreFlags) => {
      const { backUp } = await import("../store/backup.ts");
      const { formatBytes } = await import("./screen/store.ts");
      const written = outputPath(file, terminal.env);
      const bytes = await lookInto(flags.store, terminal, (opened) => backUp(opened, written));
      const words = `store restore ${shellWord(file)} --store <new directory>`;
      const restore = shownCommand(words, { env: terminal.env, store: undefined });
      print(`Wrote ${written}, ${formatBytes(bytes)}. To put it back: ${restore}`);
    });

  store
    .command("restore")
    .description("make a new embedded store of a backup")
    .argument("<file>")
    .option(STORE_FLAG, STORE_WORDS, some("a store"))
    .action(async (file: string, flags: StoreFlags) => {
      const { restoreInto } = await import("../store/backup.ts");
      const { placeOf } = await import("./run-store.ts");
      const { env } = terminal;
      const restored = await restoreInto(placeOf(flags.store, terminal), inputPath(file, env));
      await restored.close();
      const check = shownCommand("store check", { env, store: restored.place });
      print(`Restored into ${restored.place}. To check it: ${check}`);
    });

  store
    .command("move")
    .description("carry a store over to an empty one, to a server or back, and prove that all arrived")
    .argument("<from>", "a directory, or postgres://…")
    .argument("<to>", "an empty one")
    .option("--json", JSON_WORDS)
    .action((from: string, to: string, flags: StoreFlags) => move(from, to, flags.json === true, terminal));

  store
    .command("vacuum")
    .description(
      "take back the room of what was deleted or changed; embedded stores also do it by themselves",
    )
    .option(STORE_FLAG, STORE_WORDS, some("a store"))
    .option(
      "--full",
      "give it back to the disk as well: tables are written anew, and nobody can use them meanwhile",
    )
    .action(async (flags: StoreFlags & { full?: boolean }) => {
      const { vacuum } = await import("../store/upkeep.ts");
      const { formatBytes } = await import("./screen/store.ts");
      const { bytesBefore, bytesAfter } = await lookInto(flags.store, terminal, ({ sql }) =>
        vacuum(sql, { isFull: flags.full === true }),
      );
      print(`The database took ${formatBytes(bytesBefore)}, and takes ${formatBytes(bytesAfter)}.`);
    });
}
