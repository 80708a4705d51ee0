/** One client in a process of its own: warms up, then holds as many conversations as it is told and says what they took. */
import { SUBJECTS, type Subject } from "./cpu-subjects.ts";

export interface Task {
  turns: number;
  repeats: number;
}

export interface Measured {
  turns: number;
  cpuMsPerTurn: number;
  peakRssMb: number;
  heapGrowthMb: number;
}

const [url = "", subject = "", warmTurns = "768"] = process.argv.slice(2);
const converse = SUBJECTS[subject as Subject](url);

async function measure({ turns, repeats }: Task): Promise<Measured> {
  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  const before = process.cpuUsage();
  for (let run = 0; run < repeats; run++) await converse(turns);
  const { user, system } = process.cpuUsage(before);
  globalThis.gc?.();
  return {
    turns,
    cpuMsPerTurn: (user + system) / 1000 / (turns * repeats),
    peakRssMb: process.resourceUsage().maxRSS / 1024,
    heapGrowthMb: (process.memoryUsage().heapUsed - heapBefore) / 2 ** 20,
  };
}

for (let warm = 0; warm < Number(warmTurns) / 48; warm++) await converse(48);
process.on("message", async (task: Task) => process.send?.(await measure(task)));
process.send?.("warm");
