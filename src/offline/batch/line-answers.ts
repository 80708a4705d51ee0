/** The answer to one line of a batch: the same as a live request's, without its limits, its pace and its connection. */
import { randomShare } from "../../domain/random.ts";
import type { Answering } from "../answering.ts";
import {
  ApiError,
  badRequest,
  defaultBody,
  errorBody,
  quotaExceeded,
  resourceUnavailable,
} from "../api-error.ts";
import type { Payer } from "../bill.ts";
import type { ChatRequest, TokenUsage } from "../protocol.ts";
import { RecentMap } from "../recent-map.ts";
import { isUnbilled, type ScriptQueue, type UnbilledAnswer } from "../script.ts";
import { formatCompletion } from "../wire-format.ts";
import type { ResultLine } from "./protocol.ts";

/** A seeded share of a batch's requests that fail with a status; they are not billed. */
export interface OfflineBatchFaults {
  seed: number;
  /** 0 to 1. Which requests fail is decided by their `custom_id` and by how often that came before. */
  share: number;
  /** Default 500. */
  status?: number | undefined;
}

export interface LineResult {
  line: ResultLine;
  isAnswered: boolean;
  /** Of what was billed. */
  usage: TokenUsage | undefined;
}

export interface LineRequest {
  customId: string;
  body: unknown;
  payer: Payer;
  /** Milliseconds since 1970. */
  now: number;
}

export interface LineAnswers {
  answer(request: LineRequest): Promise<LineResult>;
  /** A line that nobody answers any more. */
  unanswered(customId: string, why: "batch_expired" | "batch_cancelled"): ResultLine;
  /** The latest 10,000 `custom_id`s that were answered, and billed, although they had been before. */
  readonly repeated: readonly string[];
  clear(): void;
}

export interface LineAnswerParts {
  answering: Answering;
  script: ScriptQueue;
  faults: OfflineBatchFaults | undefined;
  /** Told of lines that the faults let fail. */
  onFault: (kind: string) => void;
  /** Told of everything thrown that is no `ApiError`. */
  onBug: (error: Error) => void;
}

const ID_DIGITS = 6;
const MOST_REPEATED = 10_000;
/** `custom_id`s a generation. */
const MEMORY_IDS = 500_000;

const WHY = {
  batch_expired: "This request could not be executed before the completion window expired.",
  batch_cancelled: "This request was not executed before the batch was cancelled.",
  request_timeout: "The underlying call to the model timed out.",
};

type Outcome =
  | { kind: "response"; status: number; body: unknown; usage?: TokenUsage }
  /** The call to the model broke off; with what it cost, where it was answered all the same. */
  | { kind: "lost"; usage?: TokenUsage };

/** Batches have a tier of their own. */
function checkTier({ service_tier: tier }: ChatRequest): void {
  if (tier === undefined || tier === "auto" || tier === "default") return;
  throw badRequest("Invalid service_tier argument: not supported in the Batch API.", "service_tier");
}

function withoutBill(answer: UnbilledAnswer): Outcome {
  switch (answer.kind) {
    case "status": {
      const isJson = typeof answer.body === "object";
      return {
        kind: "response",
        status: answer.status,
        body: isJson ? answer.body : defaultBody(answer.status),
      };
    }
    case "rate-limited":
      return { kind: "response", status: 429, body: defaultBody(429) };
    case "quota":
      return { kind: "response", status: 429, body: quotaExceeded().body };
    case "resource-unavailable":
      return { kind: "response", status: 429, body: resourceUnavailable().body };
    case "drop":
    case "hang":
      return { kind: "lost" };
  }
}

export function createLineAnswers(parts: LineAnswerParts): LineAnswers {
  const { answering, script, faults, onFault, onBug } = parts;
  let repeated: string[] = [];
  let answered = new RecentMap<string, true>(MEMORY_IDS);
  let tries = new RecentMap<string, number>(MEMORY_IDS);
  let count = 0;

  const faultOf = (customId: string): Extract<Outcome, { kind: "response" }> | undefined => {
    if (faults === undefined) return undefined;
    const { seed, share, status = 500 } = faults;
    const before = tries.get(customId) ?? 0;
    tries.set(customId, before + 1);
    if (randomShare(seed, customId, before) >= share) return undefined;
    return { kind: "response", status, body: defaultBody(status) };
  };

  const remember = (customId: string) => {
    if (answered.get(customId) === undefined) answered.set(customId, true);
    else if (repeated.push(customId) > MOST_REPEATED) repeated.shift();
  };

  const outcomeOf = async (
    { customId, body, payer, now }: LineRequest,
    requestId: string,
  ): Promise<Outcome> => {
    const accepted = answering.check(body);
    checkTier(accepted.request);
    const counted = await answering.count(accepted);
    const fault = faultOf(customId);
    const step = script.take(accepted.request);
    if (step === undefined && fault !== undefined) {
      onFault(`batch-${fault.status}`);
      return fault;
    }
    if (step !== undefined && isUnbilled(step)) return withoutBill(step);
    const { completion } = answering.write({ counted, step, requestId, tier: "batch", payer, now });
    remember(customId);
    const { usage } = completion;
    const isLost = step?.kind === "drop" || step?.kind === "hang" || step?.kind === "cut-stream";
    if (isLost) return { kind: "lost", usage };
    return { kind: "response", status: 200, body: formatCompletion(completion), usage };
  };

  const failureOf = (error: unknown): Outcome => {
    if (error instanceof ApiError) return { kind: "response", status: error.status, body: error.body };
    const bug = error instanceof Error ? error : new Error(String(error));
    onBug(bug);
    const body = errorBody(`The offline server failed: ${bug.message}`, { type: "server_error" });
    return { kind: "response", status: 500, body };
  };

  const nextNumber = () => {
    count += 1;
    return String(count).padStart(ID_DIGITS, "0");
  };

  const lineOf = (number: string, customId: string) => ({
    id: `batch_req_offline_${number}`,
    custom_id: customId,
    response: null,
    error: null,
  });

  return {
    get repeated() {
      return repeated;
    },
    async answer(request) {
      const number = nextNumber();
      const requestId = `req_offline_batch_${number}`;
      const outcome = await outcomeOf(request, requestId).catch(failureOf);
      const line = lineOf(number, request.customId);
      const { usage } = outcome;
      if (outcome.kind === "lost") {
        const error = { code: "request_timeout", message: WHY.request_timeout };
        return { line: { ...line, error }, isAnswered: false, usage };
      }
      const response = { status_code: outcome.status, request_id: requestId, body: outcome.body };
      return { line: { ...line, response }, isAnswered: outcome.status === 200, usage };
    },
    unanswered: (customId, why) => ({
      ...lineOf(nextNumber(), customId),
      error: { code: why, message: WHY[why] },
    }),
    clear() {
      repeated = [];
      answered = new RecentMap(MEMORY_IDS);
      tries = new RecentMap(MEMORY_IDS);
    },
  };
}
