/** Answers requests from a recording, with no network: each as it was answered then, or an error that shows what differs. */
import type { RequestFailure } from "../../domain/errors.ts";
import type { Completion, Exchange, Send } from "../exchange.ts";
import { ModelError } from "../model-error.ts";
import { readExchangeFile, type StoredExchange } from "./exchange-file.ts";
import { digestOfKept, type Header, keptRequest, type RunLine } from "./exchange-lines.ts";
import { differenceText, firstDifference } from "./first-difference.ts";
import { answerFrom } from "./outcome.ts";

/** Which recording, and which key was left out of it. */
export interface ReplayOptions {
  file: string;
  /** What was left out of the recording, where it is known. */
  apiKey: string | undefined;
}

/** A recording that answers in place of a network. */
export interface Replay {
  readonly file: string;
  /** Of the recorded run. */
  readonly transport: Header["transport"];
  /** What the recorded runs began with, in their order. */
  readonly runs: readonly RunLine[];
  /** The first request that was not the recorded one; every later one fails with the same words. */
  readonly problem: string | undefined;
  /** Recorded exchanges that were not asked for. */
  readonly unused: number;
  /** Aborts where the recorded run was interrupted between two turns. */
  readonly interrupted: AbortSignal;
  /** Milliseconds since 1970, as they were when the latest replayed exchange was recorded; endings by time need them. */
  clock(): number;
  send: Send;
}

interface Kept {
  exchange: StoredExchange;
  isUsed: boolean;
}

const groupOf = ({ turn, purpose }: { turn?: number | undefined; purpose: string }) =>
  `${turn ?? ""} ${purpose}`;

/**
 * Opens a recording. Requests are found by their digest among those of the same turn and purpose, since some are
 * answered in any order; of equal ones the one recorded first comes first.
 * @throws InvalidFilesError with the line that is damaged.
 */
export function openReplay({ file, apiKey }: ReplayOptions): Replay {
  const { header, runs, exchanges, status } = readExchangeFile(file);
  const groups = new Map<string, Kept[]>();
  for (const exchange of exchanges) {
    const group = groups.get(groupOf(exchange)) ?? [];
    group.push({ exchange, isUsed: false });
    groups.set(groupOf(exchange), group);
  }
  const interruption = new AbortController();
  let unused = exchanges.length;
  // Stopped softly: the recorded run ended before its next turn, and so does this one.
  const stopAtEnd = () => {
    if (unused === 0 && status === "interrupted" && runs.length === 1) interruption.abort();
  };
  let now = runs[0]?.at ?? header.at;
  let problem: string | undefined;

  const fail = (model: string, code: RequestFailure, message: string) =>
    new ModelError(code, message, { model, isRetryable: false, mayBeBilled: false });

  function differs(request: Record<string, unknown>, { labels }: Exchange): string {
    const { turn, persona, purpose } = labels;
    const who = persona === undefined ? "" : ` of ${persona}`;
    const place = `Replay of ${file}, turn ${turn}, request for a ${purpose}${who}`;
    const group = groups.get(groupOf(labels)) ?? [];
    const left = group.filter(({ isUsed }) => !isUsed);
    const nearest = left.find(({ exchange }) => exchange.persona === persona) ?? left[0];
    if (nearest === undefined) {
      const held = group.length === 0 ? "it holds none" : `all ${group.length} were used`;
      const end = status === undefined ? " It was cut off before its conversation ended." : "";
      return `${place}: the recording has no more exchanges for it (${held}).${end}`;
    }
    const difference = firstDifference(nearest.exchange.request(), request);
    const what = difference === undefined ? "in the order of its fields" : differenceText(difference);
    return `${place}: it differs from the recorded one at ${what}`;
  }

  function take(request: Record<string, unknown>, { labels }: Exchange): StoredExchange | undefined {
    const digest = digestOfKept(request);
    const found = groups
      .get(groupOf(labels))
      ?.find(({ isUsed, exchange }) => !isUsed && exchange.digest === digest);
    if (found === undefined) return undefined;
    found.isUsed = true;
    unused -= 1;
    now = Math.max(now, found.exchange.at);
    stopAtEnd();
    return found.exchange;
  }

  stopAtEnd();
  return {
    file,
    transport: header.transport,
    runs,
    interrupted: interruption.signal,
    get problem() {
      return problem;
    },
    get unused() {
      return unused;
    },
    clock: () => now,
    async send(exchange): Promise<Completion> {
      exchange.signal?.throwIfAborted();
      const { model } = exchange;
      if (problem !== undefined) throw fail(model.id, "replay-differs", problem);
      const request = keptRequest(exchange.request, apiKey);
      const stored = take(request, exchange);
      if (stored === undefined) {
        problem = differs(request, exchange);
        throw fail(model.id, "replay-differs", problem);
      }
      exchange.attempts.push(...stored.attempts);
      exchange.isOffline = header.transport === "offline";
      return answerFrom(stored, exchange, apiKey);
    },
  };
}
