/** `dramatis run` with a store: one conversation that is kept there, whose turns are shown as they come, by batch or not. */
import { checkAccess } from "../app.ts";
import { loadCatalog } from "../catalog/catalog.ts";
import type { ConversationEvent } from "../conversation/events.ts";
import { DramatisError } from "../domain/errors.ts";
import { jsonText } from "../report/json-text.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { Transport } from "../simulation/plan-checks.ts";
import { conversationIdOf } from "../simulation/planning.ts";
import { openSimulations } from "../simulation/simulations.ts";
import { recordOf } from "../store/conversations.ts";
import { runOf } from "../store/runs.ts";
import { EXIT, exitCodeOf } from "./exit-code.ts";
import { gatewayOptions } from "./gateway-flags.ts";
import { holdRun } from "./hold-run.ts";
import { drawnSeed, newRunId } from "./new-run.ts";
import { runFiles } from "./run-files.ts";
import { checkModel, contextOf, modeOf, type RunFlags } from "./run-flags.ts";
import { runJson } from "./run-json.ts";
import { runJson as stoppedJson } from "./run-rows.ts";
import { createRunScreen, type RunScreen } from "./run-screen.ts";
import { openRunStore, withStore } from "./run-store.ts";
import { wavesOf } from "./run-watch.ts";
import { batchesText } from "./screen/run-progress.ts";
import { passwordNote, shownCommand, shownFor } from "./shown-command.ts";
import { tellOfOthers } from "./simulate-run.ts";
import type { Terminal } from "./terminal.ts";
import { nextSteps } from "./work-on-run.ts";

/** What belongs to a conversation that this process holds from its start to its end. */
const OTHERWISE = {
  cache: "--cache",
  record: "--record",
  replay: "--replay",
  explainPrompt: "--explain-prompt",
};

function checkFlags(flags: RunFlags): void {
  const asked = Object.entries(OTHERWISE).find(
    ([flag]) => flags[flag as keyof typeof OTHERWISE] !== undefined,
  );
  if (asked === undefined) return;
  const message = `${asked[1]} is for conversations that are sent one by one and kept in no store. Leave it out, or --store and --transport.`;
  throw new DramatisError("invalid-argument", message);
}

/** Shows each turn once, however often the conversation is gone through from its start. */
function onceEach(screen: Pick<RunScreen, "show">) {
  let shown = 0;
  let place = 0;
  return {
    begin() {
      place = 0;
    },
    show(event: ConversationEvent) {
      const isSpoken = event.type === "turn" || event.type === "failure";
      if (isSpoken) place += 1;
      if (place < shown || (isSpoken && place === shown)) return;
      shown = place;
      screen.show(event);
    },
  };
}

interface StoredRunFlags extends RunFlags {
  transport: Transport;
}

/** Returns the exit code. */
export async function runInStore(
  scenario: Scenario,
  flags: StoredRunFlags,
  terminal: Terminal,
): Promise<number> {
  checkFlags(flags);
  const { transport, maxCost: maxCostUsd, ...others } = flags;
  const gateway = { ...gatewayOptions(flags, terminal), offline: flags.offline };
  checkAccess(gateway);
  const catalog = loadCatalog(gateway.catalogFile);
  if (flags.model !== undefined) checkModel(flags.model, catalog);
  const runId = newRunId(scenario.id, terminal);
  const conversationId = conversationIdOf(runId, 0);
  const files = runFiles(conversationId, flags, terminal);
  files.prepare();
  return await withStore(await openRunStore(flags.store, terminal), async (store) => {
    const simulations = await openSimulations(store, { ...gateway, log: files.log });
    try {
      const { dramatis } = simulations;
      const seed = flags.seed ?? scenario.seed ?? drawnSeed();
      await simulations.plan({
        id: runId,
        // The run's own cap can be raised later; it stands in the place of the scenario's.
        scenario: maxCostUsd === undefined ? scenario : { ...scenario, budget: undefined },
        conversations: 1,
        seed,
        context: contextOf(others),
        maxCostUsd,
        transport,
      });
      const mode = modeOf(flags);
      const isOfflineAsked = flags.offline === true;
      const context = contextOf(flags);
      const screen = createRunScreen({ scenario, dramatis, context, seed, terminal, mode, isOfflineAsked });
      const where = shownFor(flags, terminal);
      screen.open();
      if (mode === "full") {
        const how =
          transport === "batch" ? "Each turn goes by batch, at half the price, and may take hours. " : "";
        screen.note(`${how}If this is stopped: ${shownCommand(`resume ${runId}`, where)}`);
      }
      const elsewhere = await tellOfOthers(store, runId, where);
      if (elsewhere !== undefined && mode !== "json") screen.note(elsewhere);

      const news = onceEach(screen);
      const isThis = (one: { conversationId: string }) => one.conversationId === conversationId;
      const { progress } = await holdRun(
        {
          ...{ store, simulations, runId, terminal },
          concurrency: 1,
          onBegin: (one) => isThis(one) && news.begin(),
          onEvent: (one, event) => isThis(one) && news.show(event),
        },
        {
          show(_, batches = []) {
            const waves = wavesOf(batches);
            if (waves !== undefined) screen.waitFor(batchesText(waves));
          },
          note: screen.note,
          close: screen.close,
        },
      );

      const record = await recordOf(store.sql, conversationId);
      const run = await runOf(store.sql, runId);
      const written = record && files.write(record);
      if (record === undefined) files.abandon();
      if (mode === "json") {
        const stored = { run: runId, store: store.place };
        const json =
          record === undefined
            ? stoppedJson(run, progress)
            : runJson(record, dramatis.offline?.bill, written?.files ?? []);
        terminal.write(`${jsonText({ ...json, ...stored })}\n`);
      } else if (record !== undefined) screen.end(record, written?.files ?? []);
      const next = nextSteps(run, progress, where).filter(({ what }) => what !== "look further");
      for (const { what, command } of next)
        screen.note(`To ${what.replace(/^with/, "go on with")}: ${command}`);
      const note = next.length > 0 ? passwordNote(where) : undefined;
      if (note !== undefined) screen.note(note);
      if (record === undefined && mode !== "json")
        screen.note(`Its transcript, once it has ended: ${shownCommand(`show ${conversationId}`, where)}`);
      if (written?.problem !== undefined) throw written.problem;
      return record === undefined ? EXIT.interrupted : exitCodeOf[record.status];
    } finally {
      await simulations.close();
    }
  });
}
