/**
 * Many conversations on one machine: offline, without latency, in the embedded store. What a conversation leaves behind in
 * memory must be nothing once the first have ended, and what it takes on disk must be the same for the last as for the first.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { loadScenario } from "../src/scenario/scenario.ts";
import { shippedFolder } from "../src/scenario/shipped-folder.ts";
import { openSimulations } from "../src/simulation/simulations.ts";
import { progressOf } from "../src/store/progress.ts";
import { openStore } from "../src/store/store.ts";

interface Sample {
  conversations: number;
  atMs: number;
  cpuMs: number;
  statements: number;
  heapBytes: number;
  rssBytes: number;
  /** Without the write-ahead log, whose files are used again. */
  diskBytes: number;
  logBytes: number;
}

interface Slope {
  bytes: number;
  /** One standard error of it. */
  error: number;
}

const CONVERSATIONS = 10_000;
const TURNS = 8;
const CONCURRENCY = 16;
const SAMPLES = 40;
/** Until then caches fill, code is compiled and the database takes the memory it works in. */
const WARM_CONVERSATIONS = 500;
/** A conversation of 8 turns holds some 300 KB while it is under way. */
const MOST_HEAP_BYTES = 512;
/** Disk bytes a turn of any later part, over those of the whole. */
const MOST_DISK_DEVIATION = 0.25;
const RUN = "scale";
const MB = 2 ** 20;

const scenario = loadScenario(`${shippedFolder("scenarios")}/product-roundtable.yaml`);

/** Line of least squares through bytes by conversations. */
function slopeOf(samples: readonly Sample[], bytes: (sample: Sample) => number): Slope {
  const n = samples.length;
  const mean = (of: (sample: Sample) => number) => samples.reduce((sum, sample) => sum + of(sample), 0) / n;
  const x = mean(({ conversations }) => conversations);
  const y = mean(bytes);
  const square = samples.reduce((sum, { conversations }) => sum + (conversations - x) ** 2, 0);
  const slope =
    samples.reduce((sum, sample) => sum + (sample.conversations - x) * (bytes(sample) - y), 0) / square;
  const rest = samples.reduce(
    (sum, sample) => sum + (bytes(sample) - y - slope * (sample.conversations - x)) ** 2,
    0,
  );
  return { bytes: slope, error: Math.sqrt(rest / (n - 2) / square) };
}

function folderBytes(folder: string): { data: number; log: number } {
  const sizes = { data: 0, log: 0 };
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const stats = statSync(join(folder, name), { throwIfNoEntry: false });
    if (stats?.isFile()) sizes[name.startsWith("pg_wal") ? "log" : "data"] += stats.size;
  }
  return sizes;
}

/** Collects garbage now; what is left is held. */
function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

async function measure({
  conversations,
  turns,
  concurrency,
}: Record<"conversations" | "turns" | "concurrency", number>) {
  const folder = mkdtempSync(join(tmpdir(), "dramatis-scale-"));
  const collect = garbageCollector();
  const directory = join(folder, "store");
  let statements = 0;
  const store = await openStore(directory, { onStatement: () => statements++ });
  const simulations = await openSimulations(store, { offline: true });
  try {
    const planned = { ...scenario, endings: [{ maxTurns: turns }], budget: undefined };
    await simulations.plan({ id: RUN, scenario: planned, conversations, seed: 7, maxCostUsd: 1_000_000 });
    const samples: Sample[] = [];
    const startedAt = performance.now();
    const cpuBefore = process.cpuUsage();
    const every = Math.max(1, Math.floor(conversations / SAMPLES));
    let ended = 0;
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    const sample = () => {
      const { user, system } = process.cpuUsage(cpuBefore);
      const atMs = performance.now() - startedAt;
      collect();
      const { heapUsed, external, rss } = process.memoryUsage();
      const { data, log } = folderBytes(directory);
      samples.push({
        conversations: ended,
        atMs,
        cpuMs: (user + system) / 1000,
        statements,
        heapBytes: heapUsed + external,
        rssBytes: rss,
        diskBytes: data,
        logBytes: log,
      });
    };
    sample();
    const worker = await simulations.work({
      concurrency,
      name: "scale",
      onEnd() {
        ended++;
        if (ended % every === 0 || ended === conversations) sample();
        if (ended === conversations) resolve();
      },
      onProblem: (_, error) => reject(error),
    });
    await done;
    await worker.stop();
    const progress = await progressOf(store.sql, RUN);
    return { samples, progress };
  } finally {
    await simulations.close();
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function benchScale(
  json: boolean,
  numbers: Readonly<Record<string, number | undefined>>,
): Promise<boolean> {
  const { conversations = CONVERSATIONS, turns = TURNS, concurrency = CONCURRENCY } = numbers;
  const { samples, progress } = await measure({ conversations, turns, concurrency });
  const [first, last] = [samples.at(0), samples.at(-1)];
  if (first === undefined || last === undefined) throw new Error("nothing was measured");
  const warm = Math.min(WARM_CONVERSATIONS, conversations / 4);
  const later = samples.filter((sample) => sample.conversations >= warm);
  const heap = slopeOf(later, ({ heapBytes }) => heapBytes);
  const rss = slopeOf(later, ({ rssBytes }) => rssBytes);
  const seconds = last.atMs / 1000;
  const rate = { conversationsPerSecond: conversations / seconds, turnsPerSecond: progress.turns / seconds };
  /** From a point to the next, of five. */
  const points = [0, 1, 2, 3, 4, 5].map((part) => later[Math.round((part * (later.length - 1)) / 5)] ?? last);
  const perTurn = (from: Sample, to: Sample) => {
    const between = (to.conversations - from.conversations) * turns;
    return {
      conversations: to.conversations,
      diskBytes: (to.diskBytes - from.diskBytes) / between,
      logMb: to.logBytes / MB,
      cpuMs: (to.cpuMs - from.cpuMs) / between,
      statements: (to.statements - from.statements) / between,
      turnsPerSecond: (between / (to.atMs - from.atMs)) * 1000,
      heapMb: to.heapBytes / MB,
      rssMb: to.rssBytes / MB,
    };
  };
  const parts = points.slice(1).map((to, index) => perTurn(points[index] ?? first, to));
  const whole = perTurn(points[0] ?? first, last);
  const deviation = Math.max(...parts.map(({ diskBytes }) => Math.abs(diskBytes / whole.diskBytes - 1)));
  const isWhole = progress.byStatus.completed === conversations && progress.turns === conversations * turns;
  const isFlat = heap.bytes - 2 * heap.error <= MOST_HEAP_BYTES;
  const passed = isWhole && isFlat && deviation <= MOST_DISK_DEVIATION;
  if (json) {
    const memory = { heapBytesPerConversation: heap, rssBytesPerConversation: rss };
    const bounds = { heapBytesPerConversation: MOST_HEAP_BYTES, diskDeviation: MOST_DISK_DEVIATION };
    const found = { conversations, turns, concurrency, completed: progress.byStatus.completed ?? 0, seconds };
    process.stdout.write(
      `${JSON.stringify({ bench: "scale", ...found, ...rate, ...memory, perTurn: whole, diskDeviation: deviation, parts, bounds, passed })}\n`,
    );
    return passed;
  }
  const shown = (part: typeof whole) => ({
    "turns/s": Number(part.turnsPerSecond.toFixed(1)),
    "CPU ms/turn": Number(part.cpuMs.toFixed(2)),
    "statements/turn": Number(part.statements.toFixed(2)),
    "disk bytes/turn": Math.round(part.diskBytes),
    "log MB": Math.round(part.logMb),
    "heap MB": Number(part.heapMb.toFixed(1)),
    "RSS MB": Math.round(part.rssMb),
  });
  console.table(
    Object.fromEntries([
      ...parts.map((part) => [`to ${part.conversations.toLocaleString("en-US")}`, shown(part)]),
      ["all", shown(whole)],
    ]),
  );
  const signed = ({ bytes, error }: Slope) => `${bytes.toFixed(0)} ± ${error.toFixed(0)}`;
  process.stdout.write(
    `${progress.byStatus.completed ?? 0} of ${conversations} conversations of ${turns} turns in ${seconds.toFixed(0)} s, ${rate.turnsPerSecond.toFixed(1)} turns a second, ${concurrency} at a time, offline, embedded store.\n` +
      `Memory after the first ${warm}: heap ${signed(heap)} bytes a conversation (bound ${MOST_HEAP_BYTES}), RSS ${signed(rss)}.\n` +
      `Disk: ${whole.diskBytes.toFixed(0)} bytes a turn, parts within ${(deviation * 100).toFixed(0)}% of it (bound ${MOST_DISK_DEVIATION * 100}%).\n`,
  );
  return passed;
}
