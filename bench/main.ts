/** `npm run bench -- <name> [--json] [--<option> <n>]`: measures, prints a table or one JSON object, and exits 1 when a bound is passed. */
import { parseArgs } from "node:util";
import { benchCpu } from "./cpu.ts";
import { benchGrowth } from "./growth.ts";
import { benchLimit } from "./limit.ts";
import { benchScale } from "./scale.ts";
import { benchWorkers } from "./workers.ts";

/** Whole numbers from 1 on, by the names of their options. */
type Numbers = Readonly<Record<string, number | undefined>>;
type Bench = (json: boolean, numbers: Numbers) => Promise<boolean>;

const BENCHES: Readonly<Record<string, { run: Bench; numbers?: readonly string[] }>> = {
  cpu: { run: benchCpu },
  growth: { run: benchGrowth },
  limit: { run: benchLimit },
  scale: { run: benchScale, numbers: ["conversations", "turns", "concurrency"] },
  workers: { run: benchWorkers, numbers: ["conversations", "turns", "concurrency"] },
};

function usage(): void {
  const lines = Object.entries(BENCHES).map(([name, { numbers = [] }]) =>
    [`  ${name} [--json]`, ...numbers.map((number) => `[--${number} <n>]`)].join(" "),
  );
  process.stderr.write(`Usage: npm run bench -- <name>\n${lines.join("\n")}\n`);
  process.exitCode = 1;
}

/** Undefined: something among them is none of the bench's. */
function flagsOf(args: string[], names: readonly string[]): { json: boolean; numbers: Numbers } | undefined {
  const numeric = Object.fromEntries(names.map((name) => [name, { type: "string" as const }]));
  try {
    const { values } = parseArgs({ args, options: { json: { type: "boolean" }, ...numeric } });
    const { json = false, ...texts } = values as { json?: boolean } & Record<string, string>;
    const numbers = Object.entries(texts).map(([name, text]) => [name, Number(text)] as const);
    if (numbers.some(([, value]) => !Number.isInteger(value) || value < 1)) return undefined;
    return { json, numbers: Object.fromEntries(numbers) };
  } catch {
    return undefined;
  }
}

const [name = "", ...args] = process.argv.slice(2);
const bench = BENCHES[name];
const flags = bench && flagsOf(args, bench.numbers ?? []);
if (bench === undefined || flags === undefined) usage();
else if (!(await bench.run(flags.json, flags.numbers))) process.exitCode = 1;
