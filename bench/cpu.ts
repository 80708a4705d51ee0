/**
 * Client CPU a turn. First beside a bare StateGraph with ChatOpenAI and MemorySaver, in rounds that take turns, so that
 * noise meets all alike; then at four lengths beside a plain loop, with the growth of time and memory.
 */
import type { ChildProcess } from "node:child_process";
import { messageOf, start } from "./child.ts";
import type { Measured, Task } from "./cpu-client.ts";
import type { Subject } from "./cpu-subjects.ts";

/** A conversation of ours, and a plain loop of the same length beside it. */
type Row = Measured & { plain: Measured };

const LENGTHS = [24, 96, 192, 800];
/** CPU a turn at the greatest length over that at the least. */
const MOST_GROWTH = 1.3;

/** What one process's compiler makes of the same code differs by several per cent from what another's does: each subject has some. */
const PROCESSES = 4;
const ROUNDS = 5;
const ROUND: Task = { turns: 48, repeats: 4 };
const COMPARED = ["dramatis", "bare", "bareStructured", "plain"] as const satisfies readonly Subject[];
const MOST_RATIO = 1.1;

async function warmClient(url: string, subject: Subject): Promise<ChildProcess> {
  const client = start("./cpu-client.ts", [url, subject], { isMeasured: true });
  await messageOf(client, `client (${subject})`);
  return client;
}

async function measure(client: ChildProcess, task: Task): Promise<Measured> {
  client.send(task);
  return await messageOf<Measured>(client, `client (${client.spawnargs.at(-1)})`);
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Rounds of one process of each subject. */
async function roundsOf(url: string): Promise<Record<Subject, number>[]> {
  const clients: (readonly [Subject, ChildProcess])[] = [];
  const rounds: Record<Subject, number>[] = [];
  try {
    for (const subject of COMPARED) clients.push([subject, await warmClient(url, subject)]);
    for (let round = 0; round < ROUNDS; round++) {
      const measured: [Subject, number][] = [];
      for (const [subject, client] of clients)
        measured.push([subject, (await measure(client, ROUND)).cpuMsPerTurn]);
      rounds.push(Object.fromEntries(measured) as Record<Subject, number>);
    }
  } finally {
    for (const [, client] of clients) client.disconnect();
  }
  return rounds;
}

/** The median of each, and of what each round says of ours over the others. */
async function compare(url: string) {
  const rounds: Record<Subject, number>[] = [];
  for (let process = 0; process < PROCESSES; process++) rounds.push(...(await roundsOf(url)));
  const cpu = (subject: Subject) => median(rounds.map((round) => round[subject]));
  const ratio = (subject: Subject) => median(rounds.map((round) => round.dramatis / round[subject]));
  return {
    turns: ROUND.turns,
    cpuMsPerTurn: cpu("dramatis"),
    bareCpuMsPerTurn: cpu("bare"),
    bareStructuredCpuMsPerTurn: cpu("bareStructured"),
    plainCpuMsPerTurn: cpu("plain"),
    ratioToBareGraph: ratio("bare"),
    ratioToStructuredBareGraph: ratio("bareStructured"),
    ratioToPlain: ratio("plain"),
  };
}

async function lengthen(url: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const turns of LENGTHS) {
    const task = { turns, repeats: Math.max(1, Math.round(400 / turns)) };
    const measured = async (subject: Subject) => {
      const client = await warmClient(url, subject);
      try {
        return await measure(client, task);
      } finally {
        client.disconnect();
      }
    };
    rows.push({ ...(await measured("dramatis")), plain: await measured("plain") });
  }
  return rows;
}

export async function benchCpu(json: boolean): Promise<boolean> {
  const server = start("./answer-server.ts");
  const url = await messageOf<string>(server, "server");
  let rows: Row[];
  let compared: Awaited<ReturnType<typeof compare>>;
  try {
    compared = await compare(url);
    rows = await lengthen(url);
  } finally {
    server.disconnect();
  }
  const at = (index: number) => rows.at(index)?.cpuMsPerTurn ?? Number.NaN;
  const growth = at(-1) / at(0);
  const passed = growth <= MOST_GROWTH && compared.ratioToBareGraph <= MOST_RATIO;
  if (json) {
    const bounds = { growth: MOST_GROWTH, ratioToBareGraph: MOST_RATIO };
    process.stdout.write(`${JSON.stringify({ bench: "cpu", ...compared, rows, growth, bounds, passed })}\n`);
    return passed;
  }
  const two = (value: number) => Number(value.toFixed(2));
  const beside = (name: string, cpu: number, ratio?: number) => ({
    [`${ROUND.turns} turns`]: name,
    "CPU ms/turn": two(cpu),
    ...(ratio === undefined ? {} : { "ours over it": two(ratio) }),
  });
  console.table([
    beside("dramatis", compared.cpuMsPerTurn),
    beside("bare graph", compared.bareCpuMsPerTurn, compared.ratioToBareGraph),
    beside("bare, structured", compared.bareStructuredCpuMsPerTurn, compared.ratioToStructuredBareGraph),
    beside("plain SDK loop", compared.plainCpuMsPerTurn, compared.ratioToPlain),
  ]);
  console.table(
    rows.map(({ plain, ...dramatis }) => ({
      turns: dramatis.turns,
      "CPU ms/turn": two(dramatis.cpuMsPerTurn),
      "plain loop": two(plain.cpuMsPerTurn),
      ratio: two(dramatis.cpuMsPerTurn / plain.cpuMsPerTurn),
      "peak RSS MB": Math.round(dramatis.peakRssMb),
      "plain RSS MB": Math.round(plain.peakRssMb),
      "heap growth MB": Number(dramatis.heapGrowthMb.toFixed(1)),
    })),
  );
  process.stdout.write(
    `Over the bare graph: ${compared.ratioToBareGraph.toFixed(2)} (bound ${MOST_RATIO}). ` +
      `CPU a turn at ${LENGTHS.at(-1)} over ${LENGTHS[0]} turns: ${growth.toFixed(2)} (bound ${MOST_GROWTH})\n`,
  );
  return passed;
}
