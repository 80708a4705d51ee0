/** Kills workers at seeded moments while they hold conversations, and counts what was lost, doubled or paid twice. */
import { setTimeout as sleep } from "node:timers/promises";
import { randomShare } from "../../src/domain/random.ts";
import { queueInconsistencies } from "../../src/fleet/queue-check.ts";
import { type Inconsistency, inconsistenciesOf } from "../../src/store/consistency.ts";
import { openStore } from "../../src/store/store.ts";
import { startProcess, type WorkerProcess } from "./processes.ts";
import { type Provider, startProvider } from "./provider.ts";

export interface SurvivalOptions {
  store: string;
  workers: number;
  concurrency: number;
  conversations: number;
  turns: number;
  kills: number;
  seed: number;
  latencyMs: number;
  /** Shared by all conversations; when it is reached, they end with status `budget`. */
  maxCostUsd?: number | undefined;
}

export interface Survival {
  /** Of each worker. */
  concurrency: number;
  capNanoUsd: number | undefined;
  results: number;
  lost: number;
  duplicated: number;
  requests: number;
  /** Requests that were paid for more than once. */
  paidAgain: number;
  /** Those among them whose answer had been stored when their worker was killed. */
  paidAgainThoughStored: number;
  kills: number;
  /** Entries whose cost is unknown: sent, and killed before their answer was stored. */
  marked: number;
  /** What was charged beyond the known entries of the ledger, and the most that the marked ones account for. */
  unexplainedNanoUsd: number;
  /** Between each known entry and the charge of its request, summed. */
  billDifferenceNanoUsd: number;
  billNanoUsd: number;
  spentNanoUsd: number;
  /** What a check of the store finds wrong in the end. */
  inconsistencies: Inconsistency[];
  seconds: number;
  problems: Record<string, number>;
}

const RUN = "survival";
const POLL_MS = 5;
const MOST_DELAY_MS = 40;

/** How many requests the provider has seen when each kill comes: spread over the run, and never the same. */
function momentsOf({ kills, conversations, turns, seed }: SurvivalOptions): number[] {
  const expected = conversations * turns;
  return Array.from({ length: kills }, (_, kill) =>
    Math.round(expected * (0.03 + (1.2 * (kill + randomShare(seed, "moment", kill))) / kills)),
  );
}

/** Names of the requests whose outcome is stored. */
async function storedNow(store: string): Promise<Set<string>> {
  const { sql, close } = await openStore(store);
  try {
    const rows = await sql.query<{ digest: string }>(
      "select digest from dramatis.requests where state in ('answered', 'failed')",
    );
    return new Set(rows.map(({ digest }) => digest));
  } finally {
    await close();
  }
}

async function killAtMoments(options: SurvivalOptions, provider: Provider): Promise<WorkerProcess[]> {
  const { workers, seed, store, concurrency, conversations, turns, maxCostUsd } = options;
  const run = { id: RUN, conversations, turns, maxCostUsd };
  const start = (name: string) => startProcess({ store, baseUrl: provider.baseUrl, name, concurrency, run });
  const all: WorkerProcess[] = [];
  const current: WorkerProcess[] = [];
  for (let place = 0; place < workers; place++) {
    const worker = start(`worker-${place}`);
    all.push(worker);
    current.push(worker);
    await worker.working;
  }
  for (const [kill, moment] of momentsOf(options).entries()) {
    while (provider.arrived < moment && current.some(({ child }) => child.exitCode === null))
      await sleep(POLL_MS);
    await sleep(MOST_DELAY_MS * randomShare(seed, "delay", kill));
    const place = Math.floor(workers * randomShare(seed, "worker", kill));
    const victim = current[place];
    if (victim === undefined || victim.child.exitCode !== null) break;
    await victim.working;
    victim.child.kill("SIGKILL");
    await victim.ended;
    storedAtKills.push({ arrived: provider.arrived, stored: await storedNow(store) });
    const next = start(`worker-${place}-${kill + 1}`);
    all.push(next);
    current[place] = next;
  }
  await Promise.all(current.map(({ ended }) => ended));
  return all;
}

const storedAtKills: { arrived: number; stored: Set<string> }[] = [];

export async function survive(options: SurvivalOptions): Promise<Survival> {
  const provider = await startProvider(options.latencyMs);
  storedAtKills.length = 0;
  const startedAt = performance.now();
  try {
    const workers = await killAtMoments(options, provider);
    const seconds = (performance.now() - startedAt) / 1000;
    const { concurrency, maxCostUsd } = options;
    const capNanoUsd = maxCostUsd === undefined ? undefined : Math.round(maxCostUsd * 1e9);
    return {
      concurrency,
      capNanoUsd,
      ...(await accountOf(options, provider)),
      seconds,
      kills: storedAtKills.length,
      problems: problemsOf(workers),
    };
  } finally {
    await provider.close();
  }
}

function problemsOf(workers: readonly WorkerProcess[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { code } of workers.flatMap(({ problems }) => problems)) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

interface Row {
  id: string;
  status: string;
  turns: number;
  rows: number;
  numbers: number;
}

async function accountOf(
  { store: address, conversations, turns, maxCostUsd }: SurvivalOptions,
  provider: Provider,
) {
  const store = await openStore(address);
  try {
    const rows = await store.sql.query<Row>(
      `select c.id, c.status, c.turns, count(t.turn)::int as rows, count(distinct t.turn)::int as numbers
       from dramatis.conversations c left join dramatis.turns t on t.conversation_id = c.id
       where c.run_id = $1 group by c.id, c.status, c.turns`,
      [RUN],
    );
    const isWhole = ({ status, turns: said, rows, numbers }: Row) =>
      status === "completed"
        ? said === turns && rows === turns && numbers === turns
        : status === "budget" && maxCostUsd !== undefined;
    const entries = await store.sql.query<{
      request: string | null;
      cost: number | null;
      bound: number | null;
    }>(
      `select request_id as request, cost_nano_usd as cost, cost_bound_nano_usd as bound from dramatis.usage_entries`,
    );
    const charged = provider.charged();
    const known = entries.filter(({ cost }) => cost !== null);
    const marked = entries.filter(({ cost }) => cost === null);
    const inLedger = new Set(known.map(({ request }) => request));
    const outside = charged.filter(({ requestId }) => !inLedger.has(requestId));
    const times = new Map<string, number>();
    let paidAgainThoughStored = 0;
    for (const [place, { digest }] of charged.entries()) {
      const before = times.get(digest) ?? 0;
      times.set(digest, before + 1);
      if (before > 0 && storedAtKills.some(({ arrived, stored }) => arrived <= place && stored.has(digest)))
        paidAgainThoughStored += 1;
    }
    const sum = (values: readonly (number | null | undefined)[]) =>
      values.reduce<number>((total, value) => total + (value ?? 0), 0);
    const billDifferenceNanoUsd = sum(
      known.map(({ request, cost }) =>
        Math.abs((cost ?? 0) - (provider.charges.get(request ?? "")?.costNanoUsd ?? Number.NaN)),
      ),
    );
    const results = rows.filter(isWhole).length;
    return {
      results,
      lost: conversations - rows.filter(({ status }) => status === "completed" || status === "budget").length,
      duplicated: rows.filter((row) => !isWhole(row)).length,
      requests: charged.length,
      paidAgain: sum([...times.values()].map((count) => count - 1)),
      paidAgainThoughStored,
      marked: marked.length,
      unexplainedNanoUsd: Math.max(
        0,
        sum(outside.map((one) => one.chargedNanoUsd)) - sum(marked.map(({ bound }) => bound)),
      ),
      billDifferenceNanoUsd,
      billNanoUsd: provider.bill.costNanoUsd,
      spentNanoUsd: sum(known.map(({ cost }) => cost)),
      inconsistencies: [...(await inconsistenciesOf(store.sql)), ...(await queueInconsistencies(store.sql))],
    };
  } finally {
    await store.close();
  }
}
