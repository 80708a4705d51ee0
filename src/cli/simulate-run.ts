/** What `dramatis simulate`, `resume` and `retry` do: plan or change a run, then work on it. */
import { newConversationId } from "../app.ts";
import { limitOf } from "../conversation/endings.ts";
import { DramatisError } from "../domain/errors.ts";
import { formatUsd } from "../domain/money.ts";
import { findExperiment, isExperiment } from "../experiment/experiment-file.ts";
import { count } from "../report/figures.ts";
import { findScenario } from "../scenario/find-scenario.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { firstSeed } from "../simulation/planning.ts";
import { openSimulations, type Simulations } from "../simulation/simulations.ts";
import { openCount, progressOf } from "../store/progress.ts";
import { runOf, type StoredRun } from "../store/runs.ts";
import type { Store } from "../store/store.ts";
import { type GatewayFlags, gatewayOptions } from "./gateway-flags.ts";
import { checkModel, contextOf, type RunFlags } from "./run-scenario.ts";
import { openExistingStore, openRunStore, withStore } from "./run-store.ts";
import { type TransportFlags, transportFor } from "./run-transport.ts";
import type { Terminal } from "./terminal.ts";
import { inputPath } from "./typed-path.ts";
import { workOnRun } from "./work-on-run.ts";

/** How requests are carried and shown. */
export interface WorkFlags extends GatewayFlags, Pick<RunFlags, "offline" | "json" | "quiet"> {
  concurrency: number;
  store?: string;
}

export interface SimulateFlags
  extends WorkFlags,
    TransportFlags,
    Pick<RunFlags, "seed" | "turns" | "model" | "complexity" | "context" | "maxCost"> {
  runs?: number;
  id?: string;
}

const modeOf = ({ json, quiet }: WorkFlags) => (json ? "json" : quiet ? "quiet" : "full");

async function withSimulations<T>(
  store: Store,
  flags: WorkFlags,
  terminal: Terminal,
  use: (simulations: Simulations) => Promise<T>,
): Promise<T> {
  const simulations = await openSimulations(store, {
    ...gatewayOptions(flags, terminal),
    offline: flags.offline,
  });
  try {
    return await use(simulations);
  } finally {
    await simulations.close();
  }
}

/** What is begun, in a line or two before the progress line. */
async function announce(
  run: StoredRun,
  store: Store,
  { simulations, flags, terminal }: { simulations: Simulations; flags: WorkFlags; terminal: Terminal },
): Promise<void> {
  if (flags.json) return;
  const seed = await firstSeed(store.sql, run.id);
  const { dramatis } = simulations;
  const via =
    dramatis.transport === "offline"
      ? `offline (${flags.offline ? "as asked" : "no OPENAI_API_KEY"}): answers are generated`
      : `network: ${dramatis.host}`;
  const cap = run.maxCostNanoUsd === undefined ? "" : `, at most ${formatUsd(run.maxCostNanoUsd)}`;
  const many = `${count(run.conversations, "conversation")}, ${flags.concurrency} at a time, seeds from ${seed}${cap}`;
  terminal.writeError(`${run.id}: ${many}; ${via}; store ${store.place}\n`);
  if (dramatis.limitsProblem !== undefined)
    terminal.writeError(`The project's limits could not be read: ${dramatis.limitsProblem}\n`);
}

/** On Postgres a worker takes what there is, which somebody pays for. */
async function tellOfOthers(store: Store, runId: string, terminal: Terminal): Promise<void> {
  if (store.engine !== "postgres") return;
  const [row] = await store.sql.query<{ runs: number; conversations: number }>(
    `select count(distinct run_id)::int as runs, count(*)::int as conversations from dramatis.conversations
     where status = 'waiting' and run_id <> $1`,
    [runId],
  );
  if (row === undefined || row.conversations === 0) return;
  terminal.writeError(
    `${count(row.conversations, "conversation")} of ${count(row.runs, "other run")} wait in this store; this process may take some of them as well.\n`,
  );
}

/**
 * Answers of models and generated ones do not belong into one run.
 * @throws DramatisError `invalid-argument` when what is there was answered otherwise
 */
async function checkTransport(
  store: Store,
  runId: string,
  { simulations, isAsked }: { simulations: Simulations; isAsked: boolean },
): Promise<void> {
  const { transport } = simulations.dramatis;
  const [other] = await store.sql.query<{ transport: string }>(
    `select record ->> 'transport' as transport from dramatis.conversations
     where run_id = $1 and record is not null and record ->> 'transport' <> $2 limit 1`,
    [runId, transport],
  );
  if (other === undefined || isAsked) return;
  const message =
    transport === "offline"
      ? `Models answered in the run ${runId}, and now there is no key. Set OPENAI_API_KEY, or mix generated answers in with --offline.`
      : `The answers of the run ${runId} were generated offline, and now there is a key. Go on offline: --offline`;
  throw new DramatisError("invalid-argument", message);
}

async function work(
  store: Store,
  simulations: Simulations,
  { runId, flags, terminal }: { runId: string; flags: WorkFlags; terminal: Terminal },
): Promise<number> {
  await checkTransport(store, runId, { simulations, isAsked: flags.offline === true });
  const run = await runOf(store.sql, runId);
  if (openCount(await progressOf(store.sql, runId)) > 0) {
    await announce(run, store, { simulations, flags, terminal });
    await tellOfOthers(store, runId, terminal);
  }
  const { concurrency, store: storeFlag } = flags;
  return await workOnRun({
    store,
    simulations,
    runId,
    concurrency,
    terminal,
    mode: modeOf(flags),
    storeFlag,
  });
}

/** What of the flags stands beside a scenario's own settings. */
const contextIn = ({ turns, model, complexity, context }: SimulateFlags) =>
  contextOf({
    ...(turns === undefined ? {} : { turns }),
    ...(model === undefined ? {} : { model }),
    ...(complexity === undefined ? {} : { complexity }),
    ...(context === undefined ? {} : { context }),
  });

interface Planned {
  id: string;
  flags: SimulateFlags;
  simulations: Simulations;
  store: Store;
  tell(sentence: string): void;
}

/** Where a scenario ends by other conditions alone. */
const USUAL_TURNS = 20;

/** Turns of a conversation, and so requests without those of tools, at most. */
const turnsOf = ({ endings }: Scenario, { turns }: SimulateFlags): number =>
  turns ?? limitOf("maxTurns", endings) ?? USUAL_TURNS;

/** Writes a run of a scenario to the store. False: it is there already. */
async function planScenario(
  name: string,
  { id, flags, simulations, store, tell }: Planned,
): Promise<boolean> {
  const scenario = findScenario(name);
  // Whatever is wrong with the scenario is said before anything is written.
  simulations.dramatis.conversation(scenario);
  const { runs: conversations = 1, maxCost: maxCostUsd } = flags;
  const seed =
    flags.seed ?? (await firstSeed(store.sql, id)) ?? scenario.seed ?? Math.floor(Math.random() * 2 ** 30);
  const context = contextIn(flags);
  const requests = conversations * turnsOf(scenario, flags);
  const transport = await transportFor(store.sql, { runId: id, flags, requests, tell });
  return await simulations.plan({ id, scenario, conversations, seed, context, maxCostUsd, transport });
}

/** The same for an experiment, whose file says how many conversations there are. */
async function planExperiment(
  name: string,
  { id, flags, simulations, store, tell }: Planned,
): Promise<boolean> {
  if (flags.runs !== undefined) {
    throw new DramatisError(
      "invalid-argument",
      "--runs: an experiment's file says how often each arm is held. Leave it out, or change `repeats` there.",
    );
  }
  const { catalog } = simulations.dramatis;
  const { seed, maxCost: maxCostUsd } = flags;
  const experiment = findExperiment(name, { catalog });
  const context = contextIn(flags);
  const requests = experiment.arms.reduce(
    (sum, arm) => sum + experiment.repeats * turnsOf(arm.scenario, flags),
    0,
  );
  const transport = await transportFor(store.sql, { runId: id, flags, requests, tell });
  return await simulations.planExperiment({ id, experiment, seed, context, maxCostUsd, transport });
}

/** `dramatis simulate <scenario or experiment>`; returns the exit code. */
export async function simulate(typed: string, flags: SimulateFlags, terminal: Terminal): Promise<number> {
  const name = inputPath(typed, terminal.env);
  const isOfExperiment = isExperiment(name);
  const { id: given } = isOfExperiment ? findExperiment(name) : findScenario(name);
  const id = flags.id ?? newConversationId(given, terminal.clock()).slice(0, -6);
  return await withStore(await openRunStore(flags.store, terminal), (store) =>
    withSimulations(store, flags, terminal, async (simulations) => {
      if (flags.model !== undefined) checkModel(flags.model, simulations.dramatis.catalog);
      const plan = isOfExperiment ? planExperiment : planScenario;
      const isNew = await plan(name, {
        id,
        flags,
        simulations,
        store,
        tell: (sentence) => flags.json || terminal.writeError(`${sentence}\n`),
      });
      if (!isNew && !flags.json) {
        const open = openCount(await progressOf(store.sql, id));
        const rest = open === 0 ? "nothing is missing" : `${count(open, "conversation")} to go`;
        terminal.writeError(`The run ${id} is there already: ${rest}.\n`);
      }
      const code = await work(store, simulations, { runId: id, flags, terminal });
      if (isOfExperiment && !flags.json)
        terminal.writeError(`Its results: dramatis experiment results ${id}\n`);
      return code;
    }),
  );
}

/** `dramatis resume <run>`; returns the exit code. */
export async function resume(
  id: string,
  flags: WorkFlags & { maxCost?: number },
  terminal: Terminal,
): Promise<number> {
  return await withStore(await openExistingStore(flags.store, terminal), async (store) => {
    const { maxCostNanoUsd } = await runOf(store.sql, id);
    return await withSimulations(store, flags, terminal, async (simulations) => {
      await checkTransport(store, id, { simulations, isAsked: flags.offline === true });
      await simulations.resume(id, { maxCostUsd: flags.maxCost });
      const progress = await progressOf(store.sql, id);
      if (openCount(progress) === 0 && progress.byStatus.budget && !flags.json) {
        const cap = maxCostNanoUsd === undefined ? "the scenario's budget" : formatUsd(maxCostNanoUsd);
        terminal.writeError(
          `Nothing waits: ${count(progress.byStatus.budget, "conversation")} ended at ${cap}.\n`,
        );
      }
      return await work(store, simulations, { runId: id, flags, terminal });
    });
  });
}

/** `dramatis retry <run>`; returns the exit code. */
export async function retry(id: string, flags: WorkFlags, terminal: Terminal): Promise<number> {
  return await withStore(await openExistingStore(flags.store, terminal), async (store) => {
    await runOf(store.sql, id);
    return await withSimulations(store, flags, terminal, async (simulations) => {
      await checkTransport(store, id, { simulations, isAsked: flags.offline === true });
      const again = await simulations.retry(id);
      if (!flags.json) {
        const text = again === 0 ? "No conversation failed" : `${count(again, "failed conversation")} again`;
        terminal.writeError(`${text}.\n`);
      }
      return await work(store, simulations, { runId: id, flags, terminal });
    });
  });
}
