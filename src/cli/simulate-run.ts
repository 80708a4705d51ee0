/** What `dramatis simulate`, `resume` and `retry` do: plan or change a run, then work on it. */
import { checkAccess, openDramatis } from "../app.ts";
import { DramatisError } from "../domain/errors.ts";
import { formatUsd } from "../domain/money.ts";
import { type Experiment, findExperiment, isExperiment } from "../experiment/experiment-file.ts";
import { count } from "../report/figures.ts";
import { plainText } from "../report/plain-text.ts";
import { findScenario } from "../scenario/find-scenario.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { checkRunId } from "../simulation/plan-checks.ts";
import { openSimulations, type Simulations } from "../simulation/simulations.ts";
import { openCount, othersWaiting, progressOf, wasAnsweredOtherwise } from "../store/progress.ts";
import { firstSeed, runOf, type StoredRun, transportOf } from "../store/runs.ts";
import type { Store } from "../store/store.ts";
import { unreadLimits } from "./found-limits.ts";
import { type GatewayFlags, gatewayOptions } from "./gateway-flags.ts";
import { drawnSeed, newRunId } from "./new-run.ts";
import { checkModel, contextOf, type RunFlags } from "./run-flags.ts";
import { openExistingStore, openRunStore, withStore } from "./run-store.ts";
import { type Sending, transportFor } from "./run-transport.ts";
import { passwordNote, type ShownFor, shownCommand } from "./shown-command.ts";
import type { Terminal } from "./terminal.ts";
import type { TransportFlags } from "./transport-flags.ts";
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
    Pick<
      RunFlags,
      "seed" | "turns" | "model" | "complexity" | "context" | "maxCost" | "tier" | "tierFallback"
    > {
  runs?: number;
  id?: string;
}

const modeOf = ({ json, quiet }: WorkFlags) => (json ? "json" : quiet ? "quiet" : "full");

const gatewayOf = (flags: WorkFlags, terminal: Terminal) => ({
  ...gatewayOptions(flags, terminal),
  offline: flags.offline,
});

async function withSimulations<T>(
  store: Store,
  flags: WorkFlags,
  terminal: Terminal,
  use: (simulations: Simulations) => Promise<T>,
): Promise<T> {
  const simulations = await openSimulations(store, gatewayOf(flags, terminal));
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
  const isByBatch = (await transportOf(store.sql, run.id)) === "batch";
  const how = isByBatch ? "; by batch, at half the price: each turn may take hours" : "";
  const many = `${count(run.conversations, "conversation")}, ${flags.concurrency} at a time, seeds from ${seed}${cap}`;
  terminal.writeError(`${run.id}: ${many}; ${via}${how}; store ${store.place}\n`);
  const unread = unreadLimits(dramatis);
  if (unread !== undefined) terminal.writeError(plainText(`${unread}\n`));
}

/** So many other runs are named. */
const MOST_OTHERS = 5;

/** On Postgres a worker takes what there is, which somebody pays for. */
export async function tellOfOthers(
  store: Store,
  runId: string,
  shownFor: ShownFor,
): Promise<string | undefined> {
  if (store.engine !== "postgres") return undefined;
  const others = await othersWaiting(store.sql, runId);
  const [first] = others;
  if (first === undefined) return undefined;
  const named = others.slice(0, MOST_OTHERS).map(({ id, waiting }) => `${id} (${waiting})`);
  const rest = others.length - named.length;
  const names = [...named, ...(rest > 0 ? [`${rest} more`] : [])].join(", ");
  const cancel = shownCommand(`cancel ${others.length === 1 ? first.id : "<run>"}`, shownFor);
  const note = passwordNote(shownFor);
  const end = note === undefined ? cancel : `${cancel}\n${note}`;
  return `Conversations of ${count(others.length, "other run")} wait in this store, and this process may take some of them as well: ${names}. So that nobody does: ${end}`;
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
  if (isAsked || !(await wasAnsweredOtherwise(store.sql, { runId, transport }))) return;
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
    const others = await tellOfOthers(store, runId, { env: terminal.env, store: flags.store });
    if (others !== undefined && !flags.json) terminal.writeError(`${others}\n`);
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
const contextIn = ({ turns, model, complexity, context, tier, tierFallback }: SimulateFlags) =>
  contextOf({
    ...(turns === undefined ? {} : { turns }),
    ...(model === undefined ? {} : { model }),
    ...(complexity === undefined ? {} : { complexity }),
    ...(context === undefined ? {} : { context }),
    ...(tier === undefined ? {} : { tier }),
    ...(tierFallback === undefined ? {} : { tierFallback }),
  });

interface Planned {
  id: string;
  flags: SimulateFlags;
  terminal: Terminal;
  simulations: Simulations;
  store: Store;
  tell(sentence: string): void;
}

/** A run that is there already keeps the transport that was chosen for it. */
const transportIn = ({ id, flags, terminal, store, tell }: Planned, sending: Sending) =>
  transportFor({
    flags,
    terminal,
    sending,
    tell,
    async chosen() {
      const there = await transportOf(store.sql, id);
      return there === undefined ? undefined : there === "batch" ? "batch" : "network";
    },
  });

/** Writes a run of a scenario to the store. False: it is there already. */
async function planScenario(scenario: Scenario, planned: Planned): Promise<boolean> {
  const { id, flags, simulations, store } = planned;
  const { runs: conversations = 1, maxCost: maxCostUsd } = flags;
  const seed = flags.seed ?? (await firstSeed(store.sql, id)) ?? scenario.seed ?? drawnSeed();
  const context = contextIn(flags);
  const transport = await transportIn(planned, { scenario, conversations, context });
  return await simulations.plan({ id, scenario, conversations, seed, context, maxCostUsd, transport });
}

/** The same for an experiment, whose file says how many conversations there are. */
async function planExperiment(experiment: Experiment, planned: Planned): Promise<boolean> {
  const { id, flags, simulations } = planned;
  const { seed, maxCost: maxCostUsd } = flags;
  const context = contextIn(flags);
  const { scenario, arms, repeats } = experiment;
  const transport = await transportIn(planned, { scenario, conversations: arms.length * repeats, context });
  return await simulations.planExperiment({ id, experiment, seed, context, maxCostUsd, transport });
}

type Asked = { kind: "scenario"; of: Scenario } | { kind: "experiment"; of: Experiment };

/** What is to be simulated. Whatever is wrong with it, with the key or the models is said before a store is opened, or made. */
async function askedFor(name: string, flags: SimulateFlags, terminal: Terminal): Promise<Asked> {
  const isOfExperiment = isExperiment(name);
  if (isOfExperiment && flags.runs !== undefined) {
    throw new DramatisError(
      "invalid-argument",
      "--runs: an experiment's file says how often each arm is held. Leave it out, or change `repeats` there.",
    );
  }
  const scenario = isOfExperiment ? undefined : findScenario(name);
  const gateway = gatewayOf(flags, terminal);
  checkAccess(gateway);
  const dramatis = await openDramatis({ ...gateway, offline: true });
  const { catalog } = dramatis;
  if (flags.model !== undefined) checkModel(flags.model, catalog);
  if (scenario === undefined) return { kind: "experiment", of: findExperiment(name, { catalog }) };
  dramatis.conversation(scenario);
  return { kind: "scenario", of: scenario };
}

/** `dramatis simulate <scenario or experiment>`; returns the exit code. */
export async function simulate(typed: string, flags: SimulateFlags, terminal: Terminal): Promise<number> {
  const asked = await askedFor(inputPath(typed, terminal.env), flags, terminal);
  const id = flags.id ?? newRunId(asked.of.id, terminal);
  checkRunId(id);
  return await withStore(await openRunStore(flags.store, terminal), (store) =>
    withSimulations(store, flags, terminal, async (simulations) => {
      const parts: Planned = {
        id,
        flags,
        terminal,
        simulations,
        store,
        tell: (sentence) => flags.json || terminal.writeError(`${sentence}\n`),
      };
      const isNew = await (asked.kind === "experiment"
        ? planExperiment(asked.of, parts)
        : planScenario(asked.of, parts));
      if (!isNew && !flags.json) {
        const open = openCount(await progressOf(store.sql, id));
        const rest = open === 0 ? "nothing is missing" : `${count(open, "conversation")} to go`;
        terminal.writeError(`The run ${id} is there already: ${rest}.\n`);
      }
      return await work(store, simulations, { runId: id, flags, terminal });
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
