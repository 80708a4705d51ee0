/**
 * The offline server: OpenAI's chat completions without OpenAI. It is stricter than the provider, counts tokens and
 * money by itself, and never pretends: every answer carries the fingerprint `offline`.
 */
import { DramatisError } from "../domain/errors.ts";
import { type AccessOptions, createAccessCheck } from "./access.ts";
import { createAnswering } from "./answering.ts";
import { createBatchService } from "./batch/batch-service.ts";
import type { OfflineBatchOptions } from "./batch/options.ts";
import type { OfflineWebhook } from "./batch/webhook.ts";
import { type Bill, type Charge, createBill } from "./bill.ts";
import { createChatHandler } from "./chat.ts";
import { inProcessFetch } from "./connection.ts";
import { createFaultSource, type FaultOptions } from "./faults.ts";
import { generateReply } from "./generator/generator.ts";
import { type Listening, listen } from "./listen.ts";
import { createReports } from "./organization-reports.ts";
import { createPace, type PaceOptions } from "./pace.ts";
import { createPastCharges, type PastCharge } from "./past-charge.ts";
import { createPromptCache } from "./prompt-cache.ts";
import type { Generator } from "./protocol.ts";
import {
  createRateLimiter,
  DEFAULT_RATE_LIMIT,
  type RateLimit,
  type RejectionHeaders,
} from "./rate-limit.ts";
import { createRequestLog, type RecordedRequest } from "./request-log.ts";
import { createRoutes } from "./routes.ts";
import { createScript, type Script } from "./script.ts";
import { type ServedModel, type ServedModels, serveModels } from "./served-models.ts";
import { createSpending } from "./spending.ts";
import { createTrafficCounter, type Traffic } from "./traffic.ts";

/** What is served, how fast, and how badly. */
export interface OfflineServerOptions extends PaceOptions, AccessOptions {
  /** The models it serves: their limits and prices. A dated snapshot is served as its base model. */
  models: readonly ServedModel[];
  /** Writes the answers that no script step gives. Default: plausible ones of any demanded shape. */
  generator?: Generator | undefined;
  /** Milliseconds since 1970; default the system's. */
  clock?: (() => number) | undefined;
  /** Of every model that `rateLimits` does not name. Default: higher than one machine can reach. */
  rateLimit?: RateLimit | undefined;
  /** By model. */
  rateLimits?: Readonly<Record<string, RateLimit>> | undefined;
  /** What a 429 of the rate limit tells the client. Default `all`. */
  rejectionHeaders?: RejectionHeaders | undefined;
  /** Lets a share of the acceptable requests fail. Script steps win. Default: none. */
  faults?: FaultOptions | undefined;
  /** How batches fare. Default: each is done as soon as somebody looks. */
  batch?: OfflineBatchOptions | undefined;
  /** Told of batches that are over. Default: nobody. */
  webhook?: OfflineWebhook | undefined;
  /**
   * The project whose limits an admin key may list, and that requests without an `OpenAI-Project` are charged to. Default
   * `proj_offline`.
   */
  projectId?: string | undefined;
  /** How many of the latest requests are kept in memory. Default, and true: 10,000; false: none. */
  recordRequests?: boolean | number | undefined;
  /** How much is remembered of what was asked and charged, at most. Default: enough for some hundred long conversations. */
  memory?:
    | {
        /** Lines of the bill kept one by one; default 100,000. */
        charges?: number | undefined;
        /** Beginnings of prompts that the prompt cache knows, in messages; default 200,000. */
        prefixes?: number | undefined;
        /** Of messages whose tokens need no counting again; default 8,000,000. */
        characters?: number | undefined;
        /**
         * Bytes of all files together; default 1,000,000,000. Beyond it, inputs of batches that are over are dropped, then
         * the files that batches put out, the oldest first; an upload that does not fit even so is refused.
         */
        fileBytes?: number | undefined;
        /** Batches; default 10,000. The oldest that are over are forgotten. */
        batches?: number | undefined;
      }
    | undefined;
}

export type { RecordedRequest } from "./request-log.ts";

/** What tests ask of the batches of a server; a client asks its endpoints. */
export interface OfflineBatches {
  /**
   * The latest 10,000 `custom_id`s that were answered, and billed, although an earlier batch had been billed for the same.
   */
  readonly repeatedCustomIds: readonly string[];
  /** Lets everything happen that is due by the clock, as any request for batches or files does, and waits for the webhook. */
  tick(): Promise<void>;
}

/** OpenAI's chat completions and batches without a key or a network, with a bill of their own. */
export interface OfflineServer {
  /** Answers in process, without a socket; the host of the address does not matter. */
  fetch: typeof globalThis.fetch;
  /** Serves on 127.0.0.1; port 0, the default, takes any free one. Throws `port-in-use`. */
  listen(port?: number): Promise<Listening>;
  script: Script;
  readonly batches: OfflineBatches;
  /** The latest requests, oldest first. */
  readonly requests: readonly RecordedRequest[];
  /** What the provider would have charged so far. */
  readonly bill: Bill;
  /** The latest lines of the bill, 100,000 by default, by request id; kept whether or not requests are. */
  readonly charges: ReadonlyMap<string, Charge>;
  /**
   * Adds to the bill, and to the organization's reports, a request that was never made, at a time of one's choice. Reports
   * know minutes for 32 days and days for 401.
   * @throws DramatisError `invalid-argument` for a model that is not served, and for figures that cannot be.
   */
  charge(past: PastCharge): Charge;
  /** How many requests came, were turned away, or failed by the `faults` options. */
  readonly traffic: Traffic;
  /** Contracts the generator broke; each was answered with a 500. Tests expect none. Not those of the `faults` option. */
  readonly faults: readonly Error[];
  /**
   * Forgets what prompts it read, the requests, files, batches, the bill and the traffic, and begins again with faults and latencies, so
   * that the next run goes and costs as on a new server. Call it between runs: answers that are still on their way are
   * charged afterwards. Ids go on counting, and what was used of a rate limit stays used.
   */
  reset(): void;
}

function checkServed(models: ServedModels, limits: Readonly<Record<string, RateLimit>>): void {
  const stranger = Object.keys(limits).find((model) => !models.ids.includes(model));
  if (stranger === undefined) return;
  const message = `rateLimits: "${stranger}" is not served; expected one of ${models.ids.join(", ")}.`;
  throw new DramatisError("invalid-argument", message);
}

/**
 * Opens a server that holds no resources until it listens. Windows of rate limits are counted from this call.
 * @throws InvalidFilesError for models that are none; DramatisError `invalid-argument`.
 */
export function createOfflineServer(options: OfflineServerOptions): OfflineServer {
  const { clock = Date.now, rateLimits = {} } = options;
  const log = createRequestLog(options.recordRequests);
  const models = serveModels(options.models);
  checkServed(models, rateLimits);
  const traffic = createTrafficCounter();
  const limiter = createRateLimiter({
    limit: options.rateLimit ?? DEFAULT_RATE_LIMIT,
    byModel: rateLimits,
    clock,
    dress: options.rejectionHeaders,
    onReject: traffic.rejected,
  });
  const script = createScript();
  const faults = createFaultSource(options.faults);
  const pace = createPace(options);
  const cache = createPromptCache(options.memory?.prefixes);
  const spending = createSpending();
  const bill = createBill(options.memory?.charges, (charge) => spending.add(charge, charge.at ?? clock()));
  const bugs: Error[] = [];
  const answering = createAnswering({
    models,
    generator: options.generator ?? generateReply,
    cache,
    bill,
    memoryCharacters: options.memory?.characters,
  });

  const onBug = (error: Error) => bugs.push(error);
  const batch = createBatchService({
    models,
    answering,
    limiter,
    script,
    clock,
    batch: options.batch,
    webhook: options.webhook,
    memoryBytes: options.memory?.fileBytes,
    memoryBatches: options.memory?.batches,
    onFault: traffic.faulted,
    onBug,
  });

  const handle = createRoutes({
    chat: createChatHandler({ answering, clock, limiter, script, faults, pace, traffic }),
    batch,
    models,
    limiter,
    access: createAccessCheck(options),
    log,
    clock,
    reports: createReports(spending, clock),
    projectId: options.projectId ?? "proj_offline",
    onBug,
  });

  return {
    fetch: inProcessFetch(handle),
    listen: (port = 0) => listen(handle, port),
    script,
    batches: {
      get repeatedCustomIds() {
        return batch.lines.repeated;
      },
      async tick() {
        await batch.tick();
        await batch.settled();
      },
    },
    requests: log.requests,
    get bill() {
      return bill.read();
    },
    charges: bill.charges,
    charge: createPastCharges(models, bill),
    get traffic() {
      return traffic.read();
    },
    faults: bugs,
    reset() {
      for (const part of [cache, bill, spending, log, traffic, faults, pace, batch]) part.clear();
    },
  };
}
