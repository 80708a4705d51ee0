/** What `dramatis worker` does: opens the store, works, tells of it, and stops in order. */
import { hostname } from "node:os";
import { checkAccess } from "../app.ts";
import { loadCatalog } from "../catalog/catalog.ts";
import { DramatisError, messageOf } from "../domain/errors.ts";
import { formatUsd } from "../domain/money.ts";
import type { ConversationRecord } from "../domain/record.ts";
import { withoutKeys } from "../domain/secrets.ts";
import { type Endpoint, openEndpoint, WEBHOOK_PATH } from "../fleet/endpoint.ts";
import { createMetrics } from "../fleet/metrics.ts";
import { checkedWebhookSecret } from "../model/batch/webhook.ts";
import { count } from "../report/figures.ts";
import { plainText } from "../report/plain-text.ts";
import { type HeldConversation, openSimulations, type Simulations } from "../simulation/simulations.ts";
import { budgetsLeft } from "../store/runs.ts";
import { openStore } from "../store/store.ts";
import { findKey } from "../vault/find-key.ts";
import { EXIT } from "./exit-code.ts";
import { type GatewayFlags, gatewayOptions } from "./gateway-flags.ts";
import { placeOf } from "./run-store.ts";
import type { Terminal } from "./terminal.ts";
import { inputPath } from "./typed-path.ts";

export interface WorkerFlags extends GatewayFlags {
  store?: string;
  concurrency: number;
  name?: string;
  port?: number;
  host: string;
  grace: number;
  drain?: boolean;
  offline?: boolean;
  log?: string;
  json?: boolean;
  webhookSecretFile?: string;
}

/** npm passes on the Ctrl-C that the terminal has sent already; the second of such a pair means nothing. */
const ECHO_MS = 500;
const DRAIN_POLL_MS = 500;
/** Beside the conversations' statements, the queue has its own. */
const SPARE_CONNECTIONS = 4;
const MOST_CONNECTIONS = 20;

type Level = "info" | "warn" | "error";

/** One line an event: for people, or as JSON. */
function createLog({ json, name }: { json: boolean; name: string }, terminal: Terminal) {
  return (level: Level, message: string, fields: object = {}) => {
    const safe = plainText(withoutKeys(message));
    const line = json
      ? JSON.stringify({
          time: new Date(terminal.clock()).toISOString(),
          level,
          worker: name,
          message: safe,
          ...fields,
        })
      : safe;
    (level === "info" || json ? terminal.write : terminal.writeError)(`${line}\n`);
  };
}

function endedLine(conversationId: string, { status, turns, usage, ending }: ConversationRecord): string {
  const { costNanoUsd } = usage.totals;
  const cost = costNanoUsd === undefined ? "cost unknown" : formatUsd(costNanoUsd);
  const why = status === "failed" && ending?.evidence ? `  ${ending.evidence}` : "";
  return `${conversationId}  ${status}  ${count(turns.length, "turn")}  ${cost}${why}`;
}

const codeOf = (error: unknown) => (error instanceof DramatisError ? error.code : "unknown");
/** The run and the conversation of a problem; those of a run's batches are about no conversation. */
const about = ({ runId, conversationId }: Partial<HeldConversation> = {}) => ({
  runId,
  conversationId: conversationId === "" ? undefined : conversationId,
});

interface Requests {
  /** Somebody asked it to stop. */
  stop: Promise<void>;
  /** Somebody asked again. */
  hurry: Promise<void>;
  close(): void;
}

/** Listens from the first to the last moment: a signal that nobody listens to ends a process at once. */
function listenForStops(terminal: Terminal): Requests {
  const stop = Promise.withResolvers<void>();
  const hurry = Promise.withResolvers<void>();
  let since: number | undefined;
  const close = terminal.onInterrupt(() => {
    since ??= terminal.clock();
    stop.resolve();
    if (terminal.clock() - since > ECHO_MS) hurry.resolve();
  });
  return { stop: stop.promise, hurry: hurry.promise, close };
}

/** Resolves once no conversation of the store waits, for somebody or for a batch, or is held. */
function whenDrained(simulations: Simulations): { promise: Promise<void>; close(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = async () => {
    // A store that cannot be reached just now is no empty queue.
    const depth = await simulations.depth().catch(() => undefined);
    if (depth !== undefined && depth.waiting + depth.running + depth.parked === 0) resolve();
  };
  const timer = setInterval(() => void look(), DRAIN_POLL_MS);
  return { promise, close: () => clearInterval(timer) };
}

/** Whether it stopped by itself: it may be hurried, and is given up after the time of grace. */
async function isStopped(stop: Promise<void>, hurry: Promise<void>, graceMs: number): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), graceMs);
  const hurried = hurry.then(() => false as const);
  try {
    return await Promise.race([stop.then(() => true as const), hurried, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The secret of the provider's webhooks; undefined: none are taken.
 * @throws DramatisError for one that is none, and for a file that is named beside no port
 */
function webhookSecret(
  { port, webhookSecretFile: file }: WorkerFlags,
  { env }: Terminal,
): string | undefined {
  if (port === undefined) {
    if (file === undefined) return undefined;
    const message = "--webhook-secret-file is for webhooks, which come to a port. Name one with --port.";
    throw new DramatisError("invalid-argument", message);
  }
  const keyFile = file === undefined ? undefined : inputPath(file, env);
  const secret = findKey("webhook", { keyFile, env })?.key;
  return secret === undefined ? undefined : checkedWebhookSecret(secret);
}

export async function work(flags: WorkerFlags, terminal: Terminal): Promise<number> {
  const { concurrency, json = false, grace } = flags;
  const name = flags.name ?? `${hostname()}-${process.pid}`;
  const log = createLog({ json, name }, terminal);
  let onStatement: ((ms: number) => void) | undefined;
  // Generated answers among paid ones would be found too late.
  const gateway = { ...gatewayOptions(flags, terminal), offline: flags.offline === true };
  checkAccess(gateway);
  loadCatalog(gateway.catalogFile);
  const secret = webhookSecret(flags, terminal);
  const store = await openStore(placeOf(flags.store, terminal), {
    poolSize: Math.min(MOST_CONNECTIONS, concurrency + SPARE_CONNECTIONS),
    onStatement: (ms) => onStatement?.(ms),
  });
  let simulations: Simulations | undefined;
  let endpoint: Endpoint | undefined;
  let isStopping = false;
  const requests = listenForStops(terminal);
  try {
    const opened: { simulations?: Simulations } = {};
    const metrics =
      flags.port === undefined
        ? undefined
        : await createMetrics({
            name,
            async storeFigures() {
              const depth = await opened.simulations?.depth();
              return {
                ...(depth ?? { waiting: 0, running: 0, parked: 0 }),
                budgets: await budgetsLeft(store.sql),
              };
            },
          });
    onStatement = metrics?.onStatement;
    simulations = await openSimulations(store, {
      ...gateway,
      log: flags.log === undefined ? undefined : { file: flags.log },
      observer: metrics?.observer,
    });
    const held = simulations;
    opened.simulations = held;
    const worker = await simulations.work({
      concurrency,
      name,
      onBegin: metrics?.onBegin,
      onTurn: metrics?.onTurn,
      onLeave: metrics?.onLeave,
      onEnd(conversation, record) {
        metrics?.onEnd(conversation, record);
        const { conversationId, runId } = conversation;
        const { status, turns, usage } = record;
        const { costNanoUsd } = usage.totals;
        log("info", endedLine(conversationId, record), {
          event: "ended",
          runId,
          conversationId,
          status,
          turns: turns.length,
          costNanoUsd,
        });
      },
      onUnbegun({ conversationId }, error) {
        metrics?.onUnbegun();
        log("error", `${conversationId} could not begin: ${messageOf(error)}`, {
          event: "unbegun",
          code: codeOf(error),
          conversationId,
        });
      },
      onProblem(conversation, error) {
        const code = codeOf(error);
        const { runId, conversationId } = about(conversation);
        if (conversationId !== undefined) metrics?.onProblem(code);
        log("error", messageOf(error), { event: "problem", code, runId, conversationId });
      },
    });
    if (flags.port !== undefined && metrics !== undefined) {
      endpoint = await openEndpoint({
        port: flags.port,
        host: flags.host,
        metrics,
        isStopping: () => isStopping,
        checkStore: () => store.sql.query("select 1"),
        hear: secret === undefined ? undefined : (event) => held.hear({ ...event, secret }),
      });
      log("info", `Health and figures: ${endpoint.url}/metrics`, { event: "endpoint", url: endpoint.url });
      if (secret !== undefined)
        log("info", `Webhooks: ${endpoint.url}${WEBHOOK_PATH}`, { event: "webhooks" });
    }
    const from = simulations.dramatis.host ?? "the offline server";
    log(
      "info",
      `Worker ${name} takes conversations from ${store.place}, ${concurrency} at a time, answers from ${from}.`,
      { event: "started", concurrency },
    );
    const drained = flags.drain ? whenDrained(simulations) : undefined;
    const stop = requests.stop.then(() => "stopped" as const);
    const why = await (drained === undefined
      ? stop
      : Promise.race([stop, drained.promise.then(() => "drained" as const)]));
    drained?.close();
    isStopping = true;
    if (why === "stopped") {
      log(
        "warn",
        "Stopping: turns in flight are finished, their conversations given back. Once more: at once.",
        { event: "stopping" },
      );
    }
    if (await isStopped(worker.stop(), requests.hurry, grace * 1000)) {
      log("info", why === "drained" ? "Nothing waits any more." : "Stopped.", { event: why });
      return EXIT.done;
    }
    log("warn", "Ended at once; other workers take over what it held.", { event: "ended-at-once" });
    return terminal.quit?.(EXIT.interrupted) ?? EXIT.interrupted;
  } finally {
    await endpoint?.close();
    await simulations?.close();
    await store.close();
    requests.close();
  }
}
