/** What is to be held: runs and experiments, written to the store with a job for each of their conversations. */
import type { Dramatis } from "../app.ts";
import type { ConversationContextInput } from "../conversation/state.ts";
import { DramatisError } from "../domain/errors.ts";
import { drawSeed } from "../domain/random.ts";
import type { Experiment } from "../experiment/experiment-file.ts";
import { checkContext, planOf, type StoredExperiment } from "../experiment/plan.ts";
import { withoutJob } from "../fleet/jobs.ts";
import type { Queue } from "../fleet/queue.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { createArms, type StoredArm, wholeArmsOf } from "../store/arms.ts";
import type { ConversationStatus } from "../store/conversations.ts";
import { runDifferences } from "../store/run-differences.ts";
import {
  createRun,
  firstSeed,
  forgetFailures,
  type PlannedConversation,
  reopen,
  runOf,
  setCap,
  uncancelRun,
} from "../store/runs.ts";
import type { Sql } from "../store/sql.ts";
import { type Asked, capOf, checkAsked, type Transport } from "./plan-checks.ts";

/** What a run's conversations have in common; kept in the store, so that a worker elsewhere needs no file. */
export interface Definition {
  scenario: Scenario;
  context: ConversationContextInput;
  /** Default: each request is sent by itself. */
  transport?: "batch" | undefined;
  /** Its arms change the scenario. */
  experiment?: StoredExperiment | undefined;
}

/** What differs between them. */
export interface Settings {
  seed: number;
  /** Of an experiment; counted from 1. */
  repeat?: number | undefined;
}

/** A run of one scenario, so many conversations. */
export interface SimulationPlan {
  /** Names the run: up to 100 letters, digits, `.`, `_` and `-`. Planning it again under the same id does nothing. */
  id: string;
  scenario: Scenario;
  /** How many conversations: 1 to 1,000,000. */
  conversations: number;
  /** Of the first conversation, from 0 to 2^31 - 1; each further one has the next. */
  seed: number;
  context?: ConversationContextInput | undefined;
  /** A cap in dollars, above 0, that all conversations of the run share, on all workers. */
  maxCostUsd?: number | undefined;
  /** `batch`: requests wait for each other and go together, at half the price, within a day. Default `network`. */
  transport?: Transport | undefined;
}

/** What a definition says of it. */
const asBatch = (transport: Transport | undefined) => (transport === "batch" ? { transport } : {});

/** A run of an experiment. */
export interface ExperimentPlan {
  /** Names the run, as a `SimulationPlan`'s does; planning it again under the same id does nothing. */
  id: string;
  experiment: Experiment;
  /**
   * Of the first repeat. Default: the experiment's, else its scenario's, else that of the run that is there under this id,
   * else drawn.
   */
  seed?: number | undefined;
  /** Of every arm; what it replaces, no level of a factor can change. */
  context?: ConversationContextInput | undefined;
  /** Replaces the experiment's cap in dollars, which all its conversations share. */
  maxCostUsd?: number | undefined;
  /** Default `network`. */
  transport?: Transport | undefined;
}

/** How runs come to be, and go on. */
export interface Planning {
  /**
   * Writes a run and its conversations to the store. False: it is there already, and nothing was changed.
   * @throws DramatisError, before anything is written: `unknown-name` for a model that the catalog does not have or a persona
   * that is not in the cast, `invalid-argument` for what else is wrong with the plan, or when what is there under that id is
   * another run: of something else, or with another cap, seed, context or transport
   */
  plan(plan: SimulationPlan): Promise<boolean>;
  /**
   * The same for an experiment: its arms, and the conversations of all of them in a balanced order.
   * @throws DramatisError as `plan`; also `invalid-argument` when the context would replace what arms differ in
   */
  planExperiment(plan: ExperimentPlan): Promise<boolean>;
  /**
   * Lets what was stopped, cancelled or never begun go on; with a higher cap also what ended at the cap. Nothing that was
   * answered is paid again.
   * @returns how many conversations wait again that had ended
   * @throws DramatisError `invalid-argument` for a cap that is none, that is spent already, or of a run without one
   */
  resume(runId: string, options?: { maxCostUsd?: number | undefined }): Promise<number>;
  /**
   * Lets failed conversations go on where they failed; what was answered in them is not paid again.
   * @returns how many there are
   * @throws DramatisError `invalid-argument` when the run was cancelled
   */
  retry(runId: string): Promise<number>;
}

/** A run as it is to be written. */
interface PlannedRun {
  id: string;
  definition: Definition;
  maxCostNanoUsd: number | undefined;
  /** As it was asked for; undefined: any. */
  seed: number | undefined;
  /** Of an experiment; else none. */
  arms: readonly StoredArm[];
  conversations: readonly (PlannedConversation & { settings: Settings })[];
}

/** Room for a million, in the order of the alphabet. */
export const conversationIdOf = (runId: string, position: number) =>
  `${runId}-${String(position + 1).padStart(6, "0")}`;

/** @param opened the store's queue */
export function createPlanning(sql: Sql, dramatis: Dramatis, opened: () => Promise<Queue>): Planning {
  /** Changes which conversations are to be held, and queues them with it. */
  async function change<T>(runId: string, write: (tx: Sql) => Promise<T>): Promise<T> {
    const { add, wake } = await opened();
    const result = await sql.transaction(async (tx) => {
      const result = await write(tx);
      await add(tx, await withoutJob(tx, runId));
      return result;
    });
    wake();
    return result;
  }

  /** Writes what is planned, or finds that it is there. */
  async function write(planned: PlannedRun): Promise<boolean> {
    const { id, conversations, arms } = planned;
    const { add, wake } = await opened();
    const isNew = await sql.transaction(async (tx) => {
      if (!(await createRun(tx, { ...planned, scenario: planned.definition.scenario.id }))) return false;
      await createArms(tx, id, arms);
      // Of jobs with the same priority none is sure to come first: a repeat is begun when the one before it is.
      const ids = conversations.map((one) => one.id);
      await add(tx, ids, (place) => -(conversations[place]?.settings.repeat ?? 0));
      return true;
    });
    if (isNew) wake();
    else await checkSame(sql, planned);
    return isNew;
  }

  /** What cannot be is found before anything is written, or paid. */
  function check(asked: Asked): void {
    checkAsked(asked, dramatis.catalog);
    for (const scenario of asked.scenarios) dramatis.conversation(scenario);
  }

  return {
    async plan({ id, scenario, conversations, seed, context = {}, maxCostUsd, transport }) {
      check({ id, conversations, seed, context, transport, scenarios: [scenario] });
      return await write({
        id,
        definition: { scenario, context, ...asBatch(transport) },
        maxCostNanoUsd: capOf(maxCostUsd),
        seed,
        arms: [],
        conversations: Array.from({ length: conversations }, (_, position) => ({
          id: conversationIdOf(id, position),
          position,
          settings: { seed: seed + position },
        })),
      });
    },
    async resume(runId, { maxCostUsd } = {}) {
      const cap = capOf(maxCostUsd);
      await runOf(sql, runId);
      return await change(runId, async (tx) => {
        if (cap !== undefined) await setCap(tx, runId, cap);
        await uncancelRun(tx, runId);
        const ended: ConversationStatus[] = cap === undefined ? ["cancelled"] : ["cancelled", "budget"];
        return (await reopen(tx, runId, ended)).length;
      });
    },
    async planExperiment(plan) {
      const { id, experiment, context = {}, maxCostUsd = experiment.maxCostUsd, transport } = plan;
      const seed = plan.seed ?? experiment.seed;
      const { scenario, arms, repeats } = experiment;
      const scenarios = [scenario, ...arms.map((arm) => arm.scenario)];
      check({ id, conversations: arms.length * repeats, seed, context, transport, scenarios });
      checkContext(context, arms);
      const planned = planOf(experiment, seed ?? drawSeed());
      return await write({
        id,
        definition: { scenario, context, experiment: planned.experiment, ...asBatch(transport) },
        maxCostNanoUsd: capOf(maxCostUsd),
        seed,
        arms: planned.arms,
        conversations: planned.assignments.map(({ arm, repeat, seed }, position) => ({
          id: conversationIdOf(id, position),
          position,
          arm,
          settings: { seed, repeat },
        })),
      });
    },
    async retry(runId) {
      const { isCancelled } = await runOf(sql, runId);
      if (isCancelled) {
        throw new DramatisError("invalid-argument", `The run ${runId} was cancelled. Let it go on first:`, {
          command: `resume ${runId}`,
        });
      }
      return await change(runId, async (tx) => {
        await forgetFailures(tx, runId);
        return (await reopen(tx, runId, ["failed"])).length;
      });
    },
  };
}

/** @throws DramatisError `invalid-argument` when a stored run is another one than what is planned under its id */
async function checkSame(sql: Sql, planned: PlannedRun): Promise<void> {
  const { id } = planned;
  const { definition, conversations, maxCostNanoUsd } = await runOf(sql, id);
  const { experiment } = definition as Definition;
  const differences = runDifferences(
    {
      definition: definition as Definition,
      conversations,
      seed: experiment?.seed ?? (await firstSeed(sql, id)),
      maxCostNanoUsd,
      arms: await wholeArmsOf(sql, id),
    },
    { ...planned, conversations: planned.conversations.length },
  );
  if (differences.length === 0) return;
  throw new DramatisError(
    "invalid-argument",
    `There is another run ${id} in this store: ${differences.join("; ")}. Use another id, or go on with that one:`,
    { command: `resume ${id}` },
  );
}
