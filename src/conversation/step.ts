/**
 * A function as a graph runs it, without the traced run of its own that LangGraph would give it beside its node's. With
 * `isAmbient` whatever it calls finds the run's configuration, as `interrupt()` must; our own code is handed it.
 */
import { Runnable } from "@langchain/core/runnables";
import { AsyncLocalStorageProviderSingleton } from "@langchain/core/singletons";
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import type { ConversationState } from "./state.ts";

type Work<Output> = (state: ConversationState, config: LangGraphRunnableConfig) => Promise<Output>;

export class Step<Output> extends Runnable<ConversationState, Output, LangGraphRunnableConfig> {
  lc_namespace = ["dramatis"];
  readonly #work: Work<Output>;
  readonly #isAmbient: boolean;

  constructor(work: Work<Output>, { isAmbient }: { isAmbient: boolean }) {
    super();
    this.#work = work;
    this.#isAmbient = isAmbient;
  }

  override async invoke(state: ConversationState, config: LangGraphRunnableConfig = {}): Promise<Output> {
    if (!this.#isAmbient) return await this.#work(state, config);
    const run: unknown = AsyncLocalStorageProviderSingleton.runWithConfig(config, () =>
      this.#work(state, config),
    );
    return await (run as Promise<Output>);
  }
}
