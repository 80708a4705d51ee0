/** One request to a model and its answer: what every part of the gateway hands to the next. */
import type { OpenAIClient } from "@langchain/openai";
import type { Attempt } from "../domain/attempt.ts";
import type { ModelInfo } from "../domain/model-info.ts";
import type { Purpose, SentTier } from "../domain/usage.ts";
import type { Budget, Reservation } from "./budget.ts";
import type { Priority } from "./pace/permit.ts";

/** The body of a request as LangChain builds it; whether it streams is the transport's business. */
export type ChatRequest = OpenAIClient.Chat.Completions.ChatCompletionCreateParamsNonStreaming;
/** A whole answer as OpenAI's protocol has it. */
export type Completion = OpenAIClient.Chat.Completions.ChatCompletion;

/** Who asks, and for what. */
export interface Labels {
  conversation?: string | undefined;
  turn: number;
  persona?: string | undefined;
  purpose: Purpose;
}

/** A piece of an answer that is arriving. Pieces of a later attempt replace those of the earlier ones. */
export interface Delta {
  attempt: number;
  /** Of the answer's text. */
  content: string;
  /** Of the arguments of the tool call that carries the answer. */
  callArguments: string;
  callName: string | undefined;
}

/** What is left of a turn's time; all requests of the turn draw on it. Queueing for a first attempt does not count. */
export interface Deadline {
  leftMs: number;
}

/** A request on its way. What happened to it is filled in as it goes. */
export interface Exchange {
  readonly request: ChatRequest;
  readonly model: ModelInfo;
  readonly labels: Labels;
  readonly priority: Priority;
  readonly signal: AbortSignal | undefined;
  readonly deadline: Deadline;
  /** At which it is asked for. */
  readonly askedTier: SentTier;
  /** Where there is no room at `flex`: sent at this instead. */
  readonly tierFallback: "standard" | undefined;
  /** Set when somebody watches the answer arrive; the request is then streamed. */
  readonly onDelta: ((delta: Delta) => void) | undefined;
  /** Of the answer, at most. */
  readonly maxOutputTokens: number;
  /** Prompt and longest answer, in tokens, as rate limits count them. `isExact` false: a rough estimate is enough. */
  tokens(isExact: boolean): number | Promise<number>;
  /**
   * The most the request can cost, at whichever tier it may be billed; may be a coarse bound as long as that does not pass
   * `enough`. Undefined: no price.
   */
  worstNanoUsd(enough: number): Promise<number | undefined>;
  /** What the conversation may spend on this request and all its attempts; undefined: no cap. */
  readonly spendableNanoUsd: number | undefined;

  /** Told of every failed attempt as it happens. */
  onAttempt: ((attempt: Attempt) => void) | undefined;
  /** At which it is sent, and was answered in the end: `askedTier`, its fallback, or as it was answered before. */
  tier: SentTier;
  /** Whether the offline server is asked, or answered: the gateway's, or as it was answered before. */
  isOffline: boolean;
  /** The most the attempt under way can cost; undefined while nobody needed to know. */
  heldNanoUsd: number | undefined;
  /** Failed attempts, oldest first. */
  readonly attempts: Attempt[];
  /** A cap of its own, shared with others elsewhere; undefined: the gateway's, if it has one. */
  budget: Budget | undefined;
  /** Done before every attempt is sent; what it throws keeps it from being sent. */
  beforeSend: (() => Promise<void>) | undefined;
  /** Shared budget held for the answer; whoever counts its cost settles it. */
  reservation: Reservation | undefined;
  /** True once an answer came, and so was paid, whatever becomes of it. */
  isAnswered: boolean;
  /** Of the answer. */
  requestId: string | undefined;
  /** Set when it was answered as it had been before, from a store or a recording: nothing was sent or paid for it now. */
  isReplayed: boolean;
  /** Set when the answer came from the response cache. */
  fromCache: boolean;
}

/** Sends an exchange and returns its answer; throws a `ModelError`, or what an abort was given as its reason. */
export type Send = (exchange: Exchange) => Promise<Completion>;
