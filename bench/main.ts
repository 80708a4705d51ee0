/** `npm run bench -- <name> [--json]`: measures, prints a table or one JSON object, and exits 1 when a bound is passed. */
import { benchCpu } from "./cpu.ts";
import { benchGrowth } from "./growth.ts";
import { benchLimit } from "./limit.ts";

const BENCHES: Readonly<Record<string, (json: boolean) => Promise<boolean>>> = {
  cpu: benchCpu,
  growth: benchGrowth,
  limit: benchLimit,
};

const [name = "", ...flags] = process.argv.slice(2);
const bench = BENCHES[name];
if (bench === undefined || flags.some((flag) => flag !== "--json")) {
  process.stderr.write(`Usage: npm run bench -- <${Object.keys(BENCHES).join("|")}> [--json]\n`);
  process.exitCode = 1;
} else if (!(await bench(flags.includes("--json")))) process.exitCode = 1;
