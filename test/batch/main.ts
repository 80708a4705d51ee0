/**
 * `npm run test:batch`: holds a run by batch beside the same one over the network; then kills one in all that a batch goes
 * through, and compares what came of it with a run left alone. `half` or `kills`: only the one. `--json`: a line for programs.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadCatalog } from "../../src/catalog/catalog.ts";
import { randomShare } from "../../src/domain/random.ts";
import { createOfflineServer } from "../../src/offline/server.ts";
import { batchesOf } from "../../src/store/batches.ts";
import { inconsistenciesOf } from "../../src/store/consistency.ts";
import { recordOf } from "../../src/store/conversations.ts";
import { progressOf } from "../../src/store/progress.ts";
import { openStore } from "../../src/store/store.ts";
import { type BatchTask, type KillAt, PHASES } from "./batch-task.ts";

const isJson = process.argv.includes("--json");
const numberOf = (name: string, fallback: number) => {
  const place = process.argv.indexOf(`--${name}`);
  return place < 0 ? fallback : Number(process.argv[place + 1]);
};
const only = ["half", "kills"].find((part) => process.argv[2] === part);
/** By batch and over the network. */
const whole = { conversations: numberOf("conversations", 200), turns: numberOf("turns", 12) };
/** Killed and left alone. */
const killable = {
  conversations: numberOf("killed-conversations", 20),
  turns: numberOf("killed-turns", 6),
  kills: numberOf("kills", 40),
};
const seed = numberOf("seed", 1);

/** Every phase in its turn, before and after it, the exact moment drawn from the seed. */
function momentOf(kill: number): KillAt {
  const share = (what: string) => randomShare(seed, what, kill);
  const phase = PHASES[kill % PHASES.length] ?? "parking";
  const isStatement = phase === "parking";
  return {
    phase,
    when: share("when") < 0.5 ? "before" : "after",
    skip: Math.floor(share("skip") * (isStatement ? 120 : 2)),
    statements: Math.floor(share("statements") * 4),
  };
}

async function hold(task: BatchTask): Promise<"killed" | "over"> {
  const child = fork(new URL("./batch-process.ts", import.meta.url), [JSON.stringify(task)], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    env: { ...process.env, NODE_NO_WARNINGS: "1" },
  });
  let said = "";
  child.stderr?.on("data", (text: Buffer) => {
    said = (said + text.toString()).slice(-4000);
  });
  const [code, signal] = await once(child, "exit");
  if (signal === "SIGKILL") return "killed";
  if (code === 0) return "over";
  throw new Error(`It ended with ${code} ${signal}:\n${said}`);
}

interface Trial {
  conversations: number;
  turns: number;
  transport?: BatchTask["run"]["transport"];
  kills?: number;
}

/** Holds a run to its end, killed so often before that. */
async function tried({ conversations, turns, transport = "batch", kills = 0 }: Trial) {
  const folder = mkdtempSync(join(tmpdir(), "dramatis-batch-"));
  const server = createOfflineServer({ models: [...loadCatalog().models.values()] });
  const { url, close } = await server.listen(0);
  const run = { id: "waves", conversations, turns, transport };
  const task = { store: join(folder, "store"), baseUrl: `${url}/v1`, concurrency: 4, run };
  const phases: Record<string, number> = {};
  const startedAt = performance.now();
  try {
    let done = 0;
    for (let moment = 0; done < kills && moment < 2 * kills; moment++) {
      const kill = momentOf(moment);
      if ((await hold({ ...task, kill })) === "over") break;
      done += 1;
      const name = `${kill.when} ${kill.phase}`;
      phases[name] = (phases[name] ?? 0) + 1;
    }
    if ((await hold(task)) !== "over") throw new Error("the last process was killed by somebody else");
    const store = await openStore(task.store);
    try {
      const { byStatus } = await progressOf(store.sql, run.id);
      const ids = Array.from(
        { length: conversations },
        (_, n) => `${run.id}-${String(n + 1).padStart(6, "0")}`,
      );
      const records = await Promise.all(ids.map((id) => recordOf(store.sql, id)));
      const numbers = records.map((record) => record?.turns.map(({ turn }) => turn) ?? []);
      const batches = await batchesOf(store.sql, { runId: run.id });
      const asked = records.map((record) => record?.usage.totals.requests ?? 0);
      const spent = records.reduce((sum, record) => sum + (record?.usage.totals.costNanoUsd ?? 0), 0);
      return {
        transcripts: JSON.stringify(
          records.map((record) => record?.turns.map(({ speaker, message }) => [speaker, message])),
        ),
        figures: {
          kills: done,
          phases,
          completed: byStatus.completed ?? 0,
          lost: conversations - (byStatus.completed ?? 0),
          duplicatedTurns: numbers.reduce((sum, own) => sum + own.length - new Set(own).size, 0),
          /** Rounds of tool calls that one conversation needed, at most. */
          toolRounds: Math.max(0, ...asked.map((requests) => requests - turns)),
          waves: Math.max(0, ...batches.map(({ wave }) => wave)),
          batches: batches.length,
          sentTwice: server.batches.repeatedCustomIds.length,
          requests: server.bill.requests,
          billNanoUsd: server.bill.costNanoUsd,
          ledgerNanoUsd: spent,
          inconsistencies: (await inconsistenciesOf(store.sql)).map(({ what }) => what),
          seconds: Math.round((performance.now() - startedAt) / 1000),
        },
      };
    } finally {
      await store.close();
    }
  } finally {
    await close();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Tried = Awaited<ReturnType<typeof tried>>;
type Bound = [words: string, holds: boolean];

const sound = ({ figures }: Tried): Bound[] => [
  ["no conversation was lost", figures.lost === 0],
  ["no turn is there twice", figures.duplicatedTurns === 0],
  ["no custom_id was sent twice", figures.sentTwice === 0],
  ["the ledger equals the bill", figures.ledgerNanoUsd === figures.billNanoUsd],
  ["the store is consistent", figures.inconsistencies.length === 0],
];

const figures: Record<string, Tried["figures"]> = {};
async function shown(name: string, trial: Trial): Promise<Tried> {
  const run = await tried(trial);
  figures[name] = run.figures;
  if (!isJson) process.stdout.write(`${name.padEnd(12)}${JSON.stringify(run.figures)}\n`);
  return run;
}

async function halfPrice(): Promise<Bound[]> {
  const network = await shown("network", { ...whole, transport: "network" });
  const batch = await shown("batch", whole);
  const { waves, toolRounds, billNanoUsd } = batch.figures;
  return [
    ...sound(network),
    ...sound(batch),
    ["there are as many waves as turns and tool rounds, and two", waves <= whole.turns + toolRounds + 2],
    ["the bill is half of that over the network", 2 * billNanoUsd === network.figures.billNanoUsd],
    ["the transcripts are those over the network", batch.transcripts === network.transcripts],
  ];
}

async function killed(): Promise<Bound[]> {
  const { kills, ...trial } = killable;
  const alone = await shown("left alone", trial);
  const survivor = await shown("killed", { ...trial, kills });
  return [
    ...sound(alone),
    ...sound(survivor),
    ["it was killed as often as it was to be", survivor.figures.kills === kills],
    ["the bill is that of the run left alone", survivor.figures.billNanoUsd === alone.figures.billNanoUsd],
    ["the transcripts are those of the run left alone", survivor.transcripts === alone.transcripts],
  ];
}

const bounds = [...(only === "kills" ? [] : await halfPrice()), ...(only === "half" ? [] : await killed())];
const failures = bounds.filter(([, holds]) => !holds).map(([words]) => `${words}: no`);
if (isJson) process.stdout.write(`${JSON.stringify({ whole, killable, seed, figures, failures })}\n`);
for (const failure of failures) process.stderr.write(`${failure}\n`);
process.exitCode = failures.length === 0 ? 0 : 1;
