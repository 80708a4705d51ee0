/** What is to be held: runs and experiments, written to the store with a job for each of their conversations. */
import type { Dramatis } from "../app.ts";
import type { ConversationContextInput } from "../conversation/state.ts";
import { DramatisError } from "../domain/errors.ts";
import { nanoUsd } from "../domain/money.ts";
import { drawSeed } from "../domain/random.ts";
import type { Experiment } from "../experiment/experiment-file.ts";
import { checkContext, planOf, type StoredExperiment } from "../experiment/plan.ts";
import { withoutJob } from "../fleet/jobs.ts";
import type { Queue } from "../fleet/queue.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { createArms } from "../store/arms.ts";
import type { ConversationStatus } from "../store/conversations.ts";
import { runDifferences } from "../store/run-differences.ts";
import { createRun, forgetFailures, reopen, runOf, setCap, uncancelRun } from "../store/runs.ts";
import type { Sql } from "../store/sql.ts";

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
  /** Names the run: letters, digits, `.`, `_` and `-`. Planning it again under the same id does nothing. */
  id: string;
  scenario: Scenario;
  /** How many conversations. */
  conversations: number;
  /** Of the first conversation; each further one has the next. */
  seed: number;
  context?: ConversationContextInput | undefined;
  /** A cap in dollars that all conversations of the run share, on all workers. */
  maxCostUsd?: number | undefined;
  /** `batch`: requests wait for each other and go together, at half the price, within a day. Default `network`. */
  transport?: Transport | undefined;
}

/** How the requests of a run travel. */
export type Transport = "network" | "batch";

/** What a definition says of it. */
const asBatch = (transport: Transport | undefined) => (transport === "batch" ? { transport } : {});

/** A run of an experiment. */
export interface ExperimentPlan {
  /** Names the run; planning it again under the same id does nothing. */
  id: string;
  experiment: Experiment;
  /** Of the first repeat. Default: the experiment's, else its scenario's, else drawn. */
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
   * @throws DramatisError `invalid-argument` when what is there under that id is another run
   */
  plan(plan: SimulationPlan): Promise<boolean>;
  /**
   * The same for an experiment: its arms, and the conversations of all of them in a balanced order.
   * @throws DramatisError `unknown-name` when an arm names a model that the catalog does not have, `invalid-argument` when the
   * context would replace what arms differ in
   */
  planExperiment(plan: ExperimentPlan): Promise<boolean>;
  /**
   * Lets what was stopped, cancelled or never begun go on; with a higher cap also what ended at the cap. Nothing that was
   * answered is paid again.
   * @returns how many conversations wait again that had ended
   * @throws DramatisError `invalid-argument` for a cap that is spent already, or of a run without one
   */
  resume(runId: string, options?: { maxCostUsd?: number | undefined }): Promise<number>;
  /**
   * Lets failed conversations go on where they failed; what was answered in them is not paid again.
   * @returns how many there are
   * @throws DramatisError `invalid-argument` when the run was cancelled
   */
  retry(runId: string): Promise<number>;
}

const MOST_CONVERSATIONS = 1_000_000;
const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Room for a million, in the order of the alphabet. */
const conversationId = (runId: string, position: number) =>
  `${runId}-${String(position + 1).padStart(6, "0")}`;

/** @param opened the store's queue */
export function createPlanning(sql: Sql, dramatis: Dramatis, opened: () => Promise<Queue>): Planning {
  /** Changes which conversations are to be held, and queues them with it. */
  async function change<T>(runId: string, write: (tx: Sql) => Promise<T>): Promise<T> {
    const { add } = await opened();
    return await sql.transaction(async (tx) => {
      const result = await write(tx);
      await add(tx, await withoutJob(tx, runId));
      return result;
    });
  }

  return {
    async plan({ id, scenario, conversations, seed, context = {}, maxCostUsd, transport }) {
      if (!Number.isInteger(conversations) || conversations < 1 || conversations > MOST_CONVERSATIONS) {
        throw new DramatisError(
          "invalid-argument",
          `A run's conversations: expected a whole number from 1 to ${MOST_CONVERSATIONS.toLocaleString("en-US")}, got ${conversations}.`,
        );
      }
      if (!RUN_ID.test(id)) {
        throw new DramatisError(
          "invalid-argument",
          `A run's id: expected up to 100 letters, digits, ".", "_" and "-", got ${JSON.stringify(id)}.`,
        );
      }
      const definition: Definition = { scenario, context, ...asBatch(transport) };
      const maxCostNanoUsd = maxCostUsd === undefined ? undefined : nanoUsd(maxCostUsd);
      const planned = Array.from({ length: conversations }, (_, position) => ({
        id: conversationId(id, position),
        position,
        settings: { seed: seed + position } satisfies Settings,
      }));
      const { add } = await opened();
      const isNew = await sql.transaction(async (tx) => {
        const scenarioId = scenario.id;
        const run = { id, scenario: scenarioId, definition, maxCostNanoUsd, conversations: planned };
        if (!(await createRun(tx, run))) return false;
        await add(
          tx,
          planned.map((one) => one.id),
        );
        return true;
      });
      if (!isNew) await checkSame(sql, id, { definition, conversations, seed, maxCostNanoUsd });
      return isNew;
    },
    async resume(runId, { maxCostUsd } = {}) {
      await runOf(sql, runId);
      return await change(runId, async (tx) => {
        if (maxCostUsd !== undefined) await setCap(tx, runId, nanoUsd(maxCostUsd));
        await uncancelRun(tx, runId);
        const ended: ConversationStatus[] =
          maxCostUsd === undefined ? ["cancelled"] : ["cancelled", "budget"];
        return (await reopen(tx, runId, ended)).length;
      });
    },
    async planExperiment(plan) {
      const { id, experiment, seed: given, context = {}, maxCostUsd = experiment.maxCostUsd } = plan;
      checkContext(context, experiment.arms);
      // What cannot be compiled is found before anything is written, or paid.
      for (const { scenario } of experiment.arms) dramatis.conversation(scenario);
      const { scenario } = experiment;
      const planned = planOf(experiment, given ?? experiment.seed ?? drawSeed());
      const own = { experiment: planned.experiment, ...asBatch(plan.transport) };
      const definition: Definition = { scenario, context, ...own };
      const conversations = planned.assignments.map(({ arm, repeat, seed }, position) => ({
        id: conversationId(id, position),
        position,
        arm,
        settings: { seed, repeat } satisfies Settings,
      }));
      const { add } = await opened();
      return await sql.transaction(async (tx) => {
        const isNew = await createRun(tx, {
          id,
          scenario: scenario.id,
          definition,
          maxCostNanoUsd: maxCostUsd === undefined ? undefined : nanoUsd(maxCostUsd),
          conversations,
        });
        if (!isNew) return false;
        await createArms(tx, id, planned.arms);
        // Of jobs with the same priority none is sure to come first: a repeat is begun when the one before it is.
        const ids = conversations.map((one) => one.id);
        await add(tx, ids, (place) => -(conversations[place]?.settings.repeat ?? 0));
        return true;
      });
    },
    async retry(runId) {
      const { isCancelled } = await runOf(sql, runId);
      if (isCancelled) {
        throw new DramatisError(
          "invalid-argument",
          `The run ${runId} was cancelled. Let it go on first: dramatis resume ${runId}`,
        );
      }
      return await change(runId, async (tx) => {
        await forgetFailures(tx, runId);
        return (await reopen(tx, runId, ["failed"])).length;
      });
    },
  };
}

/** @throws DramatisError `invalid-argument` when a stored run is another one than what is planned under its id */
async function checkSame(sql: Sql, id: string, asked: Parameters<typeof runDifferences>[1]): Promise<void> {
  const { definition, conversations, maxCostNanoUsd } = await runOf(sql, id);
  const seed = await firstSeed(sql, id);
  const there = { definition: definition as Definition, conversations, seed, maxCostNanoUsd };
  const differences = runDifferences(there, asked);
  if (differences.length === 0) return;
  throw new DramatisError(
    "invalid-argument",
    `There is another run ${id} in this store: ${differences.join("; ")}. Use another id, or go on with that one: dramatis resume ${id}`,
  );
}

/** The seed of a run's first conversation. */
export async function firstSeed(sql: Sql, runId: string): Promise<number | undefined> {
  const [first] = await sql.query<{ settings: Settings }>(
    "select settings from dramatis.conversations where run_id = $1 order by position limit 1",
    [runId],
  );
  return first?.settings.seed;
}
