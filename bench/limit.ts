/**
 * Many conversations at once against a rate limit that counts in fixed windows: once where requests are what is short,
 * once where tokens are; each beside a plain loop over the official client. All of ours must finish without a single
 * rejection, hardly later than the limit itself allows.
 */
import { setTimeout } from "node:timers/promises";
import type { RateLimit } from "../src/offline/rate-limit.ts";
import type { Traffic } from "../src/offline/traffic.ts";
import { messageOf, start } from "./child.ts";
import type { Outcome, Task } from "./limit-client.ts";

interface Row extends Outcome {
  /** 429s the server gave. */
  rejections: number;
  /** Wall time over what the limit takes for all that was let through. */
  wallRatio: number;
  /** Requests let through, of the personas' model. */
  requests: number;
  /** Prompts and longest answers of those, as the server counted them. */
  countedTokens: number;
}

const CONVERSATIONS = 50;
const TURNS = 48;
const LATENCY_MS = 200;
const WINDOW_MS = 2000;
const MINUTE_MS = 60_000;
const WALL_BOUND = 1.05;

const REQUESTS_BIND: RateLimit = {
  requestsPerMinute: 6000,
  tokensPerMinute: 1_000_000_000,
  windowMs: WINDOW_MS,
};
/** The model of the personas; the client has the same. */
const MODEL = "gpt-4.1-mini";
/** About half of what 6,000 requests a minute of these conversations need, and less than their first turns do. */
const TOKENS_BIND: RateLimit = { requestsPerMinute: 6000, tokensPerMinute: 12_000_000, windowMs: WINDOW_MS };

async function measure(kind: Task["kind"], rateLimit: RateLimit, limits?: Task["limits"]): Promise<Row> {
  const server = start("./answer-server.ts", [JSON.stringify({ rateLimit, latencyMs: LATENCY_MS })]);
  try {
    const url = await messageOf<string>(server, "server");
    const task: Task = { url, kind, conversations: CONVERSATIONS, turns: TURNS, ...(limits && { limits }) };
    const client = start("./limit-client.ts", [JSON.stringify(task)]);
    await messageOf(client, `client (${kind})`);
    server.send("reset");
    // What warming up used of a window is not given back before its end.
    await setTimeout(WINDOW_MS);
    client.send("start");
    const outcome = await messageOf<Outcome>(client, `client (${kind})`);
    server.send("report");
    const { rejected, byModel } = await messageOf<Traffic>(server, "server");
    // Summaries go to another model, which has limits of its own.
    const { requests = 0, countedTokens = 0 } = byModel[MODEL] ?? {};
    const idealMs =
      MINUTE_MS * Math.max(requests / rateLimit.requestsPerMinute, countedTokens / rateLimit.tokensPerMinute);
    const wallRatio = outcome.wallMs / idealMs;
    return { ...outcome, rejections: rejected, wallRatio, requests, countedTokens };
  } finally {
    server.disconnect();
  }
}

const isWithin = ({ finished, rejections, wallRatio, requests }: Row): boolean =>
  finished === CONVERSATIONS &&
  rejections === 0 &&
  requests === CONVERSATIONS * TURNS &&
  wallRatio <= WALL_BOUND;

const rowOf = ({ finished, rejections, wallRatio, wallMs, cpuMs, cpuWaitMs, requests, estimate }: Row) => ({
  finished: `${finished} of ${CONVERSATIONS}`,
  rejections,
  "wall s": Number((wallMs / 1000).toFixed(2)),
  "wall / ideal": Number(wallRatio.toFixed(3)),
  requests,
  "CPU ms/request": Number((cpuMs / requests).toFixed(2)),
  "waited for CPU s": cpuWaitMs === undefined ? "" : Number((cpuWaitMs / 1000).toFixed(1)),
  "tokens estimated / real": estimate === undefined ? "" : estimate.mean.toFixed(4),
});

export async function benchLimit(json: boolean): Promise<boolean> {
  const { requestsPerMinute, tokensPerMinute } = TOKENS_BIND;
  const ours = await measure("dramatis", REQUESTS_BIND, { requestsPerMinute });
  const learned = await measure("dramatis", REQUESTS_BIND);
  const plain = await measure("plain", REQUESTS_BIND);
  const tokens = await measure("dramatis", TOKENS_BIND, { requestsPerMinute, tokensPerMinute });
  const tokensPlain = await measure("plain", TOKENS_BIND);
  const passed = isWithin(ours) && isWithin(tokens);
  if (json) {
    const found = { ...ours, plain, learned, tokens: { ...tokens, plain: tokensPlain } };
    process.stdout.write(`${JSON.stringify({ bench: "limit", ...found, bound: WALL_BOUND, passed })}\n`);
    return passed;
  }
  console.table({
    "6,000 requests a minute": rowOf(ours),
    "  learned from headers": rowOf(learned),
    "  plain loop": rowOf(plain),
    "12,000,000 tokens a minute": rowOf(tokens),
    "  plain loop ": rowOf(tokensPlain),
  });
  process.stdout.write(
    `${CONVERSATIONS} conversations of ${TURNS} turns at once, ${LATENCY_MS} ms latency, windows of ${WINDOW_MS / 1000} s, no knowledge base. Ours must all finish without a rejection, with wall / ideal at most ${WALL_BOUND}.\n`,
  );
  return passed;
}
