/** What `dramatis batches` does. Each returns the exit code. */
import { openDramatis } from "../app.ts";
import { DramatisError } from "../domain/errors.ts";
import { jsonWithNulls } from "../report/json-text.ts";
import { plainLine } from "../report/plain-text.ts";
import { batchesOf, findBatch, type StoredBatch } from "../store/batches.ts";
import { runOf } from "../store/runs.ts";
import { EXIT } from "./exit-code.ts";
import { type GatewayFlags, gatewayOptions } from "./gateway-flags.ts";
import { openExistingStore, withStore } from "./run-store.ts";
import { renderBatch, renderBatches } from "./screen/batches.ts";
import { shownCommand, shownFor } from "./shown-command.ts";
import { type Terminal, tableScreen } from "./terminal.ts";

export interface BatchesFlags extends Pick<GatewayFlags, "keyFile"> {
  store?: string;
  json?: boolean;
}

const shown = ({ begunAt: _, ...batch }: StoredBatch) => batch;

/** `dramatis batches list [run]`. */
export async function list(
  runId: string | undefined,
  flags: BatchesFlags & { limit: number },
  terminal: Terminal,
): Promise<number> {
  return await withStore(await openExistingStore(flags.store, terminal), async (store) => {
    const { id } = runId === undefined ? { id: undefined } : await runOf(store.sql, runId);
    const batches = await batchesOf(store.sql, { runId: id, limit: flags.limit });
    if (flags.json) terminal.write(`${jsonWithNulls(batches.map(shown))}\n`);
    else if (batches.length > 0)
      terminal.write(`${renderBatches(batches, tableScreen(terminal)).join("\n")}\n`);
    else if (id !== undefined) terminal.write(`Nothing of the run ${id} has gone by batch yet.\n`);
    else {
      const how = shownCommand(
        "simulate product-roundtable --runs 30 --transport batch",
        shownFor(flags, terminal),
      );
      terminal.write(`Nothing has gone by batch here yet. Begin: ${how}\n`);
    }
    return EXIT.done;
  });
}

/** `dramatis batches show <batch>`. */
export async function show(id: string, flags: BatchesFlags, terminal: Terminal): Promise<number> {
  return await withStore(await openExistingStore(flags.store, terminal), async (store) => {
    const batch = await findBatch(store.sql, id);
    const lines = flags.json ? [jsonWithNulls(shown(batch))] : renderBatch(batch, tableScreen(terminal));
    terminal.write(`${lines.join("\n")}\n`);
    return EXIT.done;
  });
}

/** `dramatis batches cancel <batch>`: whoever works on its run sees the end of it, and goes on. */
export async function cancel(id: string, flags: BatchesFlags, terminal: Terminal): Promise<number> {
  return await withStore(await openExistingStore(flags.store, terminal), async (store) => {
    const batch = await findBatch(store.sql, id);
    const { providerId, runId, state } = batch;
    if (state === "ended") {
      const message = `The batch ${batch.id} has ended as ${batch.status ?? "never made"}: there is nothing to cancel.`;
      throw new DramatisError("invalid-argument", message);
    }
    if (providerId === undefined) {
      throw new DramatisError(
        "invalid-argument",
        `The batch ${batch.id} is not at the provider yet. To end its run:`,
        { command: `cancel ${runId}` },
      );
    }
    const { batches } = await openDramatis({ ...gatewayOptions(flags, terminal), offline: false });
    if (batches === undefined) throw new Error("a network without batches");
    const { status } = await batches.cancel(providerId);
    if (flags.json) terminal.write(`${jsonWithNulls({ ...shown(batch), status })}\n`);
    else {
      const shownAs = (words: string) => shownCommand(`${words} ${runId}`, shownFor(flags, terminal));
      const isOver = status === "completed" || status === "finalizing";
      const rest = isOver
        ? ""
        : `; what it did not come to fails, and can be asked again: ${shownAs("retry")}`;
      const taken = `What came of it is taken by the run's workers: ${shownAs("resume")}`;
      terminal.write(`${plainLine(`${providerId} is ${status}. ${taken}${rest}`)}\n`);
    }
    return EXIT.done;
  });
}
