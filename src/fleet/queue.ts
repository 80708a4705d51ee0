/** The queue of conversations that are to be held: pg-boss in the store's own database, so that a job ends with its result. */
import type pg from "pg";
import { type Db, type Job, PgBoss } from "pg-boss";
import { z } from "zod";
import { leaseOf } from "../store/conversations.ts";
import { leaseLost } from "../store/faults.ts";
import type { Sql } from "../store/sql.ts";
import type { Store } from "../store/store.ts";
import { QUEUE, SCHEMA } from "./jobs.ts";

/** A worker that is silent for that long has lost what it held. */
const HEARTBEAT_SECONDS = 10;
const POLL_SECONDS = 0.5;
/** A conversation may be taken over any number of times; what is wrong with it itself ends it as failed. */
const RETRY_LIMIT = 1_000_000;
/**
 * A conversation may take days at a low rate limit; a worker's silence is what ends a lease. This does as well: it is as long
 * as a timer can be, in whole days. The queue's own bound for it is a day.
 */
const EXPIRE_SECONDS = 24 * 24 * 3600;
/** What waits to be held is never forgotten. */
const RETENTION_SECONDS = 50 * 365 * 24 * 3600;
const JOBS_AT_ONCE = 1000;

export interface Work {
  conversationId: string;
  /** Of this attempt; whoever has an older one can write nothing. */
  lease: string;
  /**
   * Takes what the job is of, in one transaction with the proof that the job is in hand in this attempt; undefined: there was
   * nothing to take.
   * @throws DramatisError `lease-lost` when it is not any more, and whatever stands in another job by now; nothing is taken then
   */
  begin<T>(take: (tx: Sql) => Promise<T | undefined>): Promise<T | undefined>;
  /**
   * Writes a result in one transaction with the end of the job.
   * @throws DramatisError `lease-lost` when the job is another worker's by now; nothing is written then
   */
  finish(write: (tx: Sql) => Promise<void>): Promise<void>;
  /** Gives the job back, to be begun again at once. */
  giveBack(): Promise<void>;
}

export interface Worker {
  /** Takes no more, and waits for what is in hand. */
  stop(): Promise<void>;
}

/** Conversations that have not ended. */
export interface QueueDepth {
  /** Nobody has them. */
  waiting: number;
  /** Some worker, here or elsewhere, has them. */
  running: number;
  /** They wait for a batch. */
  parked: number;
}

export interface Queue {
  /**
   * Adds conversations, in the caller's transaction. `priorityOf` a place in the list: whoever has more is begun first, by
   * default all have 0.
   */
  add(tx: Sql, conversationIds: readonly string[], priorityOf?: (place: number) => number): Promise<void>;
  work(options: { concurrency: number; handle(work: Work): Promise<void> }): Promise<Worker>;
  /** Something was added, and is to be seen by transactions that begin now: the workers of this process look at once. */
  wake(): void;
  depth(): Promise<QueueDepth>;
  close(): Promise<void>;
}

/** What the queue tells of an ended job; its types leave it out. */
const endedSchema = z.object({ affected: z.int() });

const databaseOf = (sql: Sql): Db => ({
  executeSql: async (text, values) => ({ rows: await sql.query(text, values) }),
});

/** Statements of the queue itself may come several at once; it wants the result of each. */
const poolDatabase = (pool: pg.Pool): Db => ({
  executeSql: (text, values) => pool.query(text, values),
});

/**
 * Opens the queue of a store.
 * @param onProblem told of what went wrong with the database between jobs; the queue goes on
 */
export async function openQueue(store: Store, onProblem: (error: Error) => void): Promise<Queue> {
  const boss = new PgBoss({
    db: poolDatabase(store.pool),
    schema: SCHEMA,
    backend: store.engine,
    superviseIntervalSeconds: 1,
    monitorIntervalSeconds: 1,
    schedule: false,
    registerInstance: false,
    reindex: false,
    monitorVacuum: false,
    openTelemetry: { enabled: false },
  });
  boss.on("error", onProblem);
  await boss.start();
  await boss.createQueue(QUEUE, {
    retryLimit: RETRY_LIMIT,
    retryDelay: 1,
    deleteAfterSeconds: 3600,
  });
  // Nobody else can have an embedded store: however long its process was kept from saying anything, it has what it holds.
  const heartbeatSeconds = store.engine === "pglite" ? null : HEARTBEAT_SECONDS;
  await store.sql.query(
    `update ${SCHEMA}.queue set heartbeat_seconds = $2, expire_seconds = $3, retention_seconds = $4
     where name = $1 and (heartbeat_seconds, expire_seconds, retention_seconds) is distinct from ($2, $3, $4)`,
    [QUEUE, heartbeatSeconds, EXPIRE_SECONDS, RETENTION_SECONDS],
  );
  // In the one process that can have an embedded store, whatever is active was left by an earlier one.
  if (store.engine === "pglite") {
    const orphans = await store.sql.query<{ id: string }>(
      `select id from ${SCHEMA}.job where name = $1 and state = 'active'`,
      [QUEUE],
    );
    if (orphans.length > 0)
      await boss.fail(
        QUEUE,
        orphans.map(({ id }) => id),
      );
  }

  function workOf(job: Job<{ conversationId: string }>): Work {
    const { conversationId } = job.data;
    const attempt = { id: job.id, retryCount: job.retryCount };
    return {
      conversationId,
      lease: leaseOf(job.id, job.retryCount),
      begin: (take) =>
        store.sql.transaction(async (tx) => {
          const taken = await take(tx);
          if (taken === undefined) return undefined;
          // Locked, so that it cannot be taken from us before this is committed; after the conversation, as where it ends.
          const current = await tx.query(
            `select id from ${SCHEMA}.job where name = $1 and id = $2 and retry_count = $3 and state = 'active' for share`,
            [QUEUE, job.id, job.retryCount],
          );
          if (current.length === 1) return taken;
          throw leaseLost(conversationId);
        }),
      finish: (write) =>
        store.sql.transaction(async (tx) => {
          await write(tx);
          const ended = await boss.complete(QUEUE, attempt, null, { db: databaseOf(tx) });
          if (endedSchema.parse(ended).affected === 1) return;
          throw leaseLost(conversationId);
        }),
      async giveBack() {
        await boss.fail(QUEUE, attempt);
      },
    };
  }

  /** Of this process; each takes one conversation at a time. */
  const workers = new Set<string>();
  const wake = () => {
    for (const worker of workers) boss.notifyWorker(worker);
  };

  return {
    wake,
    async add(tx, conversationIds, priorityOf = () => 0) {
      for (let from = 0; from < conversationIds.length; from += JOBS_AT_ONCE) {
        const jobs = conversationIds
          .slice(from, from + JOBS_AT_ONCE)
          .map((conversationId, place) => ({ data: { conversationId }, priority: priorityOf(from + place) }));
        await boss.insert(QUEUE, jobs, { db: databaseOf(tx) });
      }
    },
    async work({ concurrency, handle }) {
      const options = { pollingIntervalSeconds: POLL_SECONDS, heartbeatRefreshSeconds: 3 };
      const own: string[] = [];
      for (let count = 0; count < concurrency; count++) {
        const worker = await boss.work<{ conversationId: string }>(QUEUE, options, async (jobs) => {
          for (const job of jobs) await handle(workOf(job));
          // Where one was there may be another; the polls are for those who found none.
          const worker = own[count];
          if (worker !== undefined) boss.notifyWorker(worker);
        });
        own.push(worker);
        workers.add(worker);
      }
      return {
        async stop() {
          for (const worker of own) workers.delete(worker);
          await boss.offWork(QUEUE, { wait: true });
        },
      };
    },
    async depth() {
      const [row] = await store.sql.query<QueueDepth>(
        `select count(*) filter (where state < 'active')::int as waiting, count(*) filter (where state = 'active')::int as running,
           (select count(*)::int from dramatis.conversations where status = 'parked') as parked
         from ${SCHEMA}.job where name = $1 and state < 'completed'`,
        [QUEUE],
      );
      return row ?? { waiting: 0, running: 0, parked: 0 };
    },
    close: () => boss.stop({ graceful: false, close: false }),
  };
}
