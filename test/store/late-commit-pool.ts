/**
 * A pool that loses the answer to its first commit, which the server then carries out late: while it is asked about it, between
 * what that statement sees and what it does.
 */
import type pg from "pg";

const lost = () => new Error("Connection terminated unexpectedly");

export function lateCommitPool(pool: pg.Pool): pg.Pool {
  let late: pg.PoolClient | undefined;
  let isLost = false;
  return {
    async query(text: string, values: unknown[]) {
      const client = await pool.connect();
      try {
        await client.query("begin isolation level repeatable read");
        await client.query("select 1");
        await late?.query("commit");
        late?.release();
        late = undefined;
        return await client.query(text, values);
      } finally {
        await client.query("rollback");
        client.release();
      }
    },
    async connect() {
      const client = await pool.connect();
      return {
        async query(asked: pg.QueryConfig) {
          if (client === late) throw lost();
          if (asked.text !== "commit" || isLost) return await client.query(asked);
          isLost = true;
          late = client;
          throw lost();
        },
        on: client.on.bind(client),
        off: client.off.bind(client),
        release(error?: Error) {
          if (client !== late) client.release(error);
        },
      };
    },
  } as unknown as pg.Pool;
}
