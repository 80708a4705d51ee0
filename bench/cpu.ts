/** Client CPU a turn, peak memory and growth of memory, at four lengths, beside a plain loop in the same run. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Measured } from "./cpu-client.ts";

/** A conversation of ours, and a plain loop of the same length beside it. */
type Row = Measured & { plain: Measured };

const LENGTHS = [24, 96, 192, 800];
/** CPU a turn at the greatest length over that at the least. */
const MOST_GROWTH = 1.3;

const start = (file: string, args: readonly string[] = []): ChildProcess =>
  fork(new URL(file, import.meta.url), args, {
    execArgv: ["--expose-gc"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });

async function measure(url: string, kind: "dramatis" | "plain", turns: number): Promise<Measured> {
  const client = start("./cpu-client.ts", [url, kind, String(turns)]);
  const first = await Promise.race([once(client, "message"), once(client, "exit")]);
  if (typeof first[0] !== "object" || first[0] === null)
    throw new Error(`The client (${kind}, ${turns} turns) ended early.`);
  return first[0] as Measured;
}

export async function benchCpu(json: boolean): Promise<boolean> {
  const server = start("./answer-server.ts");
  const [url] = (await once(server, "message")) as [string];
  const rows: Row[] = [];
  try {
    for (const turns of LENGTHS) {
      rows.push({ ...(await measure(url, "dramatis", turns)), plain: await measure(url, "plain", turns) });
    }
  } finally {
    server.disconnect();
  }
  const at = (index: number) => rows.at(index)?.cpuMsPerTurn ?? Number.NaN;
  const growth = at(-1) / at(0);
  const passed = growth <= MOST_GROWTH;
  if (json)
    process.stdout.write(`${JSON.stringify({ bench: "cpu", rows, growth, bound: MOST_GROWTH, passed })}\n`);
  else {
    const table = rows.map(({ plain, ...dramatis }) => ({
      turns: dramatis.turns,
      "CPU ms/turn": Number(dramatis.cpuMsPerTurn.toFixed(2)),
      "plain loop": Number(plain.cpuMsPerTurn.toFixed(2)),
      ratio: Number((dramatis.cpuMsPerTurn / plain.cpuMsPerTurn).toFixed(2)),
      "peak RSS MB": Math.round(dramatis.peakRssMb),
      "plain RSS MB": Math.round(plain.peakRssMb),
      "heap growth MB": Number(dramatis.heapGrowthMb.toFixed(1)),
    }));
    console.table(table);
    process.stdout.write(
      `CPU a turn at ${LENGTHS.at(-1)} over ${LENGTHS[0]} turns: ${growth.toFixed(2)} (bound ${MOST_GROWTH})\n`,
    );
  }
  return passed;
}
