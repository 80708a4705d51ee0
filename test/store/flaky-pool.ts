/** A pool of a store whose connections break at random: before a statement is sent, or after it was carried out. */
import type pg from "pg";

const lost = () => Object.assign(new Error("Connection terminated unexpectedly"), { name: "Error" });

export interface Chaos {
  /** From 0 to 1, drawn for every statement. */
  draw: () => number;
  /** Of statements that break, half before and half after they are carried out. */
  share: number;
}

type Query = (...args: unknown[]) => Promise<unknown>;

/** Real statements on the real pool; only the answers get lost, or the requests. */
export function flakyPool(pool: pg.Pool, { draw, share }: Chaos): pg.Pool {
  const breaking =
    (query: Query): Query =>
    async (...args) => {
      const drawn = draw();
      const isRollback = args[0] === "rollback";
      if (!isRollback && drawn < share / 2) throw lost();
      const answer = await query(...args);
      if (!isRollback && drawn < share) throw lost();
      return answer;
    };
  return {
    query: breaking(pool.query.bind(pool) as Query),
    async connect() {
      const client = await pool.connect();
      return {
        query: breaking(client.query.bind(client) as Query),
        on: client.on.bind(client),
        off: client.off.bind(client),
        release: (error?: Error) => client.release(error),
      };
    },
  } as unknown as pg.Pool;
}
