/** Runs a scenario as it is against offline servers, free and without a network, to see what it uses. */
import type { Ending } from "../conversation/endings.ts";
import { withoutLimit } from "../conversation/endings.ts";
import { createConversation } from "../conversation/graph.ts";
import type { Policy } from "../conversation/policies.ts";
import { runConversation } from "../conversation/run.ts";
import type { ConversationContextInput } from "../conversation/state.ts";
import { ConversationError } from "../domain/conversation-error.ts";
import { DramatisError } from "../domain/errors.ts";
import type { ConversationRecord } from "../domain/record.ts";
import type { UsageEntry } from "../domain/usage.ts";
import type { Gateway } from "../model/gateway.ts";
import type { Scenario } from "../scenario/scenario.ts";

export interface SampleParts {
  scenario: Scenario;
  context: ConversationContextInput;
  seed: number;
  /** A gateway to an offline server that nobody has asked yet. */
  openGateway: () => Gateway;
  policy: Policy | undefined;
  endings: readonly Ending[];
  /** A sample is stopped after so many turns. */
  maxTurns: number;
  /** Whether anything caps the cost. */
  hasCap: boolean;
  signal: AbortSignal | undefined;
}

/** One conversation as it went without a cap on its cost. */
export interface SampleRun {
  seed: number;
  /** Turns taken, failed ones included. */
  turns: number;
  entries: readonly UsageEntry[];
  /** The ending that fired. */
  ending: string;
  /** It was stopped because it went on for so long; the rest is not counted. */
  isCutShort: boolean;
  /** Whole turns that the cap left room for; undefined: all, or there is no cap, or no cap can hold. */
  turnsInBudget: number | undefined;
}

const CUT_SHORT = "sample";

/** Time stands still: no sample depends on the machine, and no limit of time ends one. */
const CLOCK = () => 0;

const isWithoutPrice = (error: unknown): boolean =>
  error instanceof ConversationError
    ? isWithoutPrice(error.cause)
    : error instanceof DramatisError && error.code === "no-price";

/** Turns that were begun. */
const turnsOf = ({ turns, failures }: ConversationRecord): number =>
  Math.max(turns.at(-1)?.turn ?? 0, failures.at(-1)?.turn ?? 0);

/** Without the one that the cap broke off. */
const wholeTurns = (record: ConversationRecord): number =>
  turnsOf({ ...record, failures: record.failures.filter(({ outcome }) => outcome !== "stopped") });

export async function sampleRun(parts: SampleParts): Promise<SampleRun> {
  const { seed, policy, maxTurns, signal } = parts;

  async function play(scenario: Scenario, context: ConversationContextInput): Promise<ConversationRecord> {
    const enough: Ending = ({ turn }) =>
      turn > maxTurns ? { kind: CUT_SHORT, evidence: `${maxTurns} turns` } : undefined;
    const endings = [...parts.endings, enough];
    const graph = createConversation(scenario, {
      gateway: parts.openGateway(),
      policy,
      endings,
      clock: CLOCK,
    });
    const record = await runConversation(graph, {
      scenario,
      conversationId: `quote-${seed}`,
      transport: "offline",
      input: { seed },
      context,
      clock: CLOCK,
      signal,
    });
    signal?.throwIfAborted();
    return record;
  }

  async function playUncapped(): Promise<ConversationRecord> {
    const { budget: _, ...scenario } = parts.scenario;
    const { budget: __, ...context } = parts.context;
    const endings = withoutLimit("maxCostUsd", scenario.endings);
    return await play({ ...scenario, endings, budget: undefined }, context);
  }

  async function playCapped(): Promise<ConversationRecord | undefined> {
    try {
      return await play(parts.scenario, parts.context);
    } catch (error) {
      if (isWithoutPrice(error)) return undefined;
      throw error;
    }
  }

  // The server is as if it had never been asked: a capped run that its cap did not end is the uncapped one.
  const capped = parts.hasCap ? await playCapped() : undefined;
  const isStopped = capped?.status === "budget";
  const record = capped === undefined || isStopped ? await playUncapped() : capped;
  return {
    seed,
    turns: turnsOf(record),
    entries: record.usage.entries,
    ending: record.ending.kind,
    isCutShort: record.ending.kind === CUT_SHORT,
    turnsInBudget: isStopped ? wholeTurns(capped) : undefined,
  };
}
