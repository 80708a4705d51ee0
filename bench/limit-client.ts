/** One client in a process of its own: many conversations at once against a rate limit, ours or a plain loop's. */
import { readFileSync } from "node:fs";
import { loadCatalog } from "../src/catalog/catalog.ts";
import { createConversation } from "../src/conversation/graph.ts";
import { createGateway } from "../src/model/gateway.ts";
import { createLimiter, type Limiter, type Limits } from "../src/model/pace/limiter.ts";
import { loadScenario } from "../src/scenario/scenario.ts";
import { shippedFolder } from "../src/scenario/shipped-folder.ts";
import { plainLoop } from "./plain-loop.ts";

export interface Task {
  url: string;
  kind: "dramatis" | "plain";
  conversations: number;
  turns: number;
  /** Those the limiter is told; undefined: it learns them from the answers. */
  limits?: Limits;
}

export interface Outcome {
  finished: number;
  wallMs: number;
  cpuMs: number;
  /** How long it was ready to run while others had the processors; undefined where the system does not say. */
  cpuWaitMs: number | undefined;
  /** Tokens a request was let go with, over those it turned out to have: of all, and of the furthest off. */
  estimate?: { mean: number; least: number; most: number } | undefined;
}

/** Linux counts it in nanoseconds. */
function cpuWaitMs(): number | undefined {
  try {
    return Number(readFileSync("/proc/self/schedstat", "utf8").split(" ")[1]) / 1e6;
  } catch {
    return undefined;
  }
}

/** One conversation; throws when it does not come to its end. */
type Converse = () => Promise<void>;

const MODEL = "gpt-4.1-mini";
const scenario = loadScenario(`${shippedFolder("scenarios")}/product-roundtable.yaml`);

/** The same limiter, noting what requests were thought to need and what they did. */
function watched(limiter: Limiter): { limiter: Limiter; estimate(): Outcome["estimate"] } {
  const sum = { estimated: 0, actual: 0 };
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  return {
    limiter: {
      limitsOf: limiter.limitsOf,
      async acquire(request) {
        const permit = await limiter.acquire(request);
        return {
          ...permit,
          settle(outcome) {
            permit.settle(outcome);
            if (outcome.tokens === undefined) return;
            sum.estimated += request.tokens;
            sum.actual += outcome.tokens;
            least = Math.min(least, request.tokens / outcome.tokens);
            most = Math.max(most, request.tokens / outcome.tokens);
          },
        };
      },
    },
    estimate: () => ({ mean: sum.estimated / sum.actual, least, most }),
  };
}

/** As somebody embeds it: one gateway and one graph of the scenario for all conversations, no knowledge base. */
function ours(url: string, turns: number, limiter: Limiter): Converse {
  const gateway = createGateway({ catalog: loadCatalog(), apiKey: "offline", baseUrl: `${url}/v1`, limiter });
  const long = { ...scenario, endings: [{ maxTurns: turns }], budget: { maxCostUsd: 1000 } };
  const graph = createConversation(long, { gateway });
  return async () => {
    const { turns: taken } = await graph.invoke({}, { context: { models: { "*": MODEL } } });
    if (taken.length !== turns) throw new Error(`expected ${turns} turns, got ${taken.length}`);
  };
}

/** The same prompts, schema and longest answer. */
function plain(url: string, turns: number): Converse {
  const { maxOutputTokens } = scenario.answers;
  const converse = plainLoop({ url, scenario, model: MODEL, maxOutputTokens });
  return () => converse(turns);
}

const { url, kind, conversations, turns, limits } = JSON.parse(process.argv[2] ?? "{}") as Task;
const limiter = watched(createLimiter({ limits }));
/** Loads what is loaded once (the tokenizer, half a second); under a limiter of its own, since nothing is measured yet. */
await (kind === "plain" ? plain(url, 6) : ours(url, 6, createLimiter({ limits })))();
process.send?.("warm");

process.once("message", async () => {
  const waitBefore = cpuWaitMs();
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const converse = kind === "plain" ? plain(url, turns) : ours(url, turns, limiter.limiter);
  const results = await Promise.allSettled(Array.from({ length: conversations }, converse));
  const wallMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  const waitAfter = cpuWaitMs();
  const outcome: Outcome = {
    finished: results.filter(({ status }) => status === "fulfilled").length,
    wallMs,
    cpuMs: (user + system) / 1000,
    cpuWaitMs: waitBefore === undefined || waitAfter === undefined ? undefined : waitAfter - waitBefore,
    ...(kind === "plain" ? {} : { estimate: limiter.estimate() }),
  };
  process.send?.(outcome);
  process.disconnect?.();
});
