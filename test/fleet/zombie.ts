/** A worker that is stopped until its lease is lost, and then goes on: nothing of what it had may be written by it. */
import { setTimeout as sleep } from "node:timers/promises";
import { openStore } from "../../src/store/store.ts";
import { startProcess } from "./processes.ts";
import { startProvider } from "./provider.ts";

export interface Zombies {
  /** Conversations that were taken from the stopped worker. */
  taken: number;
  /** Those whose writing was refused once it went on. */
  fenced: number;
  /** Conversations without exactly one whole result. */
  spoiled: number;
  takeoverSeconds: number;
}

const RUN = "zombie";
const POLL_MS = 100;
const MOST_SECONDS = 60;

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + MOST_SECONDS * 1000;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`It did not come about within ${MOST_SECONDS} s.`);
    await sleep(POLL_MS);
  }
}

/** Has one worker hold so many conversations at once, stops it, lets another take them, and wakes the first. */
export async function wakeZombie({
  store: address,
  count,
}: {
  store: string;
  count: number;
}): Promise<Zombies> {
  const provider = await startProvider(300);
  const store = await openStore(address);
  const run = { id: RUN, conversations: count, turns: 12 };
  const task = { store: address, baseUrl: provider.baseUrl, concurrency: count, run };
  const held = async (worker: string) => {
    const rows = await store.sql.query<{ id: string }>(
      "select id from dramatis.conversations where worker = $1 and status = 'running'",
      [worker],
    );
    return rows.length;
  };
  try {
    const zombie = startProcess({ ...task, name: "zombie" });
    await zombie.working;
    await until(async () => (await held("zombie")) === count && provider.arrived > 2 * count);
    zombie.child.kill("SIGSTOP");
    const stoppedAt = performance.now();
    const other = startProcess({ ...task, name: "other" });
    await until(async () => (await held("zombie")) === 0);
    const takeoverSeconds = (performance.now() - stoppedAt) / 1000;
    zombie.child.kill("SIGCONT");
    const fenced = () =>
      new Set(
        zombie.problems
          .filter(({ code }) => code === "lease-lost")
          .map(({ conversationId }) => conversationId),
      );
    await until(async () => fenced().size === count);
    await Promise.all([zombie.ended, other.ended]);
    const rows = await store.sql.query<{ turns: number; rows: number; status: string; worker: string }>(
      `select c.turns, count(t.turn)::int as rows, c.status, c.worker from dramatis.conversations c
       left join dramatis.turns t on t.conversation_id = c.id where c.run_id = $1 group by c.id`,
      [RUN],
    );
    const isWhole = (row: (typeof rows)[number]) =>
      row.status === "completed" && row.turns === 12 && row.rows === 12 && row.worker === "other";
    return {
      taken: count,
      fenced: fenced().size,
      spoiled: rows.filter((row) => !isWhole(row)).length,
      takeoverSeconds,
    };
  } finally {
    await store.close();
    await provider.close();
  }
}
