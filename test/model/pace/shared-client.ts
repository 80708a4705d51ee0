/**
 * A worker's process: many conversations at once that ask the shared limiter for leave, send, and ask again. It says when it is
 * ready, begins at the first message, and tells in the end what it did.
 */

import type { Limits } from "../../../src/model/pace/permit.ts";
import { accountOf, createSharedLimiter } from "../../../src/model/pace/shared-limiter.ts";
import { openStore } from "../../../src/store/store.ts";

export interface Task {
  store: string;
  server: string;
  conversations: number;
  durationMs: number;
  limits: Limits;
  /** How far the process's clock of the day jumps, back and forth; default: not at all. */
  jumpMs?: number;
}

export interface Outcome {
  sent: number;
  statements: number;
  cpuMs: number;
  longestWaitMs: number;
  failures: string[];
}

const { store: address, server, ...task } = JSON.parse(process.argv[2] ?? "{}") as Task;
const store = await openStore(address, { poolSize: 2 });
let statements = 0;
const sql: typeof store.sql = {
  query(text, values) {
    statements += 1;
    return store.sql.query(text, values);
  },
  transaction: (run) => store.sql.transaction(run),
};
const limiter = createSharedLimiter({ sql, account: accountOf(server, "offline"), limits: task.limits });
const outcome: Outcome = { sent: 0, statements: 0, cpuMs: 0, longestWaitMs: 0, failures: [] };
const model = "gpt-4.1-mini";
const body = JSON.stringify({
  model,
  messages: [{ role: "user", content: "When does the tide turn?" }],
  max_completion_tokens: 40,
});
const headers = { "content-type": "application/json", authorization: "Bearer offline" };

async function converse(conversation: string, until: number): Promise<void> {
  while (performance.now() < until) {
    const permit = await limiter.acquire({ model, tokens: 55, conversation });
    outcome.longestWaitMs = Math.max(outcome.longestWaitMs, permit.waitedMs);
    const response = await fetch(`${server}/v1/chat/completions`, { method: "POST", headers, body });
    outcome.sent += 1;
    const text = await response.text();
    if (response.status === 429) {
      const retryAfterMs = Number(response.headers.get("retry-after-ms"));
      permit.rejected({ headers: response.headers, retryAfterMs });
    } else permit.settle({ headers: response.headers });
    if (!response.ok) outcome.failures.push(text);
  }
}

if (task.jumpMs !== undefined) {
  const now = Date.now;
  const jumpMs = task.jumpMs;
  let calls = 0;
  Date.now = () => now() + (calls++ % 2 === 0 ? jumpMs : -jumpMs);
}
// What is loaded once, there and here, is no part of what is measured.
await (await fetch(`${server}/v1/chat/completions`, { method: "POST", headers, body })).text();
process.send?.("ready");
process.once("message", async () => {
  const before = process.cpuUsage();
  const until = performance.now() + task.durationMs;
  const all = Array.from({ length: task.conversations }, (_, index) =>
    converse(`${process.pid}-${index}`, until),
  );
  await Promise.all(all).catch((error: unknown) => outcome.failures.push(String(error)));
  const { user, system } = process.cpuUsage(before);
  process.send?.({ ...outcome, statements, cpuMs: (user + system) / 1000 });
  await store.close();
  process.disconnect?.();
});
