/**
 * How a run is stopped and watched from outside, for one run of a graph that many share. LangGraph's own signal drops
 * the step in flight and what it paid for; these end a conversation through its own nodes, so that everything stays in
 * the state. Prompts go to whoever watches and nowhere else: they are no part of state, events or record.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { SentPrompt } from "../turn/sent-prompt.ts";

export interface RunSignals {
  /** Ends the conversation before the next turn. */
  stop?: AbortSignal | undefined;
  /** Breaks off the request in flight as well; its turn becomes a failure `aborted`. */
  abort?: AbortSignal | undefined;
  /** Told of what was sent for every turn, once it is over. */
  onPrompt?: ((sent: SentPrompt) => void) | undefined;
}

const current = new AsyncLocalStorage<RunSignals>();

export const withRunSignals = <T>(signals: RunSignals, work: () => Promise<T>): Promise<T> =>
  current.run(signals, work);

/** The signals of the run this code is part of. */
export const runSignals = (): RunSignals => current.getStore() ?? {};
