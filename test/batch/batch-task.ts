/** What a process of a batch test is to do, and when it kills itself. */

/** What a batch goes through, as far as it is seen from here. */
export const PHASES = ["parking", "upload", "create", "poll", "results", "clearing"] as const;
export type Phase = (typeof PHASES)[number];

export interface KillAt {
  phase: Phase;
  /** Of a request: before it is sent, or once its answer is there and nothing of it is written down. */
  when: "before" | "after";
  /** Times that the phase comes and passes first. */
  skip: number;
  /** Statements that are still carried out. */
  statements: number;
}

export interface BatchTask {
  store: string;
  /** Of the provider. */
  baseUrl: string;
  concurrency: number;
  run: { id: string; conversations: number; turns: number; transport: "batch" | "network" };
  kill?: KillAt | undefined;
}
