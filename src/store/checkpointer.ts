/** LangGraph's checkpoints in the store's database. */
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import type pg from "pg";

/**
 * The saver keeps a channel's value once for a version, and its versions count up: two forks of one checkpoint would
 * share a version, and the second fork's value would be lost. A random part makes each version its own; the padded
 * number before it keeps them in order.
 */
class ForkSafePostgresSaver extends PostgresSaver {
  override getNextVersion(current: number | undefined): number {
    const count = current === undefined ? 0 : Number.parseInt(String(current), 10);
    const version = `${String(count + 1).padStart(16, "0")}.${crypto.randomUUID().slice(0, 8)}`;
    // LangGraph compares versions only; the base class's type is narrower than what it takes.
    return version as unknown as number;
  }
}

export const createCheckpointer = (pool: pg.Pool): PostgresSaver =>
  new ForkSafePostgresSaver(pool, undefined, { schema: "dramatis" });
