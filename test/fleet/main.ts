/** `npm run test:fleet`: what survives kills, on both engines; prints figures and fails where a bound is missed. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "../store/postgres-server.ts";
import { type Survival, type SurvivalOptions, survive } from "./survival.ts";
import { wakeZombie, type Zombies } from "./zombie.ts";

const isJson = process.argv.includes("--json");
const numberOf = (name: string, fallback: number) => {
  const place = process.argv.indexOf(`--${name}`);
  return place < 0 ? fallback : Number(process.argv[place + 1]);
};
const shape = {
  conversations: numberOf("conversations", 200),
  turns: numberOf("turns", 12),
  kills: numberOf("kills", 20),
  seed: numberOf("seed", 1),
  latencyMs: numberOf("latency", 0),
};
const only = process.argv.includes("--only") ? process.argv[process.argv.indexOf("--only") + 1] : undefined;

const folder = mkdtempSync(join(tmpdir(), "dramatis-fleet-"));
const found: Record<string, Survival> = {};
/** Told as it is known: the whole takes minutes. */
async function find(name: string, options: SurvivalOptions): Promise<Survival> {
  const survival = await survive(options);
  found[name] = survival;
  if (!isJson) process.stdout.write(`${name}  ${JSON.stringify(survival)}\n`);
  return survival;
}

let zombies: Zombies | undefined;
try {
  if (only !== "postgres") {
    const store = join(folder, "store");
    await find("pglite", { ...shape, store, workers: 1, concurrency: 1 });
  }
  if (only !== "pglite") {
    const postgres = await startPostgres();
    try {
      const fleet = { ...shape, workers: 3 };
      const { billNanoUsd } = await find("postgres", {
        ...fleet,
        store: await postgres.database(),
        concurrency: 1,
      });
      await find("crowded", { ...fleet, store: await postgres.database(), concurrency: 8 });
      const maxCostUsd = (billNanoUsd / 1e9) * 0.33;
      await find("capped", {
        ...fleet,
        store: await postgres.database(),
        concurrency: 8,
        maxCostUsd,
      });
      zombies = await wakeZombie({ store: await postgres.database(), count: 10 });
    } finally {
      await postgres.stop();
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const failures = Object.entries(found).flatMap(([name, one]) => {
  const bounds: [string, boolean][] = [
    ["every conversation has its result", one.results === shape.conversations && one.lost === 0],
    ["every turn is there once", one.duplicated === 0],
    ["no stored answer was paid again", one.paidAgainThoughStored === 0],
    [
      "requests paid again are no more than those under way at kills",
      one.paidAgain <= one.kills * one.concurrency,
    ],
    ["the ledger equals the bill", one.billDifferenceNanoUsd === 0 && one.unexplainedNanoUsd === 0],
    ["a check finds nothing wrong", one.inconsistencies.length === 0],
    ["the cap was not passed", one.capNanoUsd === undefined || one.billNanoUsd <= one.capNanoUsd],
  ];
  return bounds.filter(([, holds]) => !holds).map(([words]) => `${name}: ${words}: no`);
});
if (zombies !== undefined && (zombies.fenced !== zombies.taken || zombies.spoiled > 0))
  failures.push("zombies: nothing was written by a worker whose lease was lost: no");

if (isJson) process.stdout.write(`${JSON.stringify({ ...found, zombies })}\n`);
else {
  const names = Object.keys(found);
  const figures = Object.keys(found[names[0] ?? ""] ?? {}) as (keyof Survival)[];
  console.table(
    Object.fromEntries(
      figures.map((figure) => [
        figure,
        Object.fromEntries(names.map((name) => [name, found[name]?.[figure]])),
      ]),
    ),
  );
  if (zombies !== undefined) console.table({ zombies });
}
for (const failure of failures) process.stderr.write(`${failure}\n`);
process.exitCode = failures.length === 0 ? 0 : 1;
