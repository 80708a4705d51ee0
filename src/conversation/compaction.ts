/** The moderator's part of compaction: begins summaries in time, adopts them at a turn that is known beforehand. */
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import type { SummaryEntry } from "../domain/summary.ts";
import { spentAtMost, subtotalOf } from "../ledger/totals.ts";
import { type ContextPlan, nextBlock } from "../turn/context-window.ts";
import type { Spent, Summaries, SummaryJob } from "./summaries.ts";

export interface CompactionParts extends Omit<SummaryJob, "block"> {
  plan: ContextPlan;
  /** Turns that may still be taken, the coming one included; undefined: nothing limits them. */
  turnsLeft: number | undefined;
}

export interface Compacted extends Spent {
  summaries: SummaryEntry[];
}

/** Adopts what is due before the coming turn and begins what will be due soon. */
export async function compact(
  writer: Summaries,
  parts: CompactionParts,
  config: LangGraphRunnableConfig,
): Promise<Compacted> {
  const { plan, turnsLeft, transcript } = parts;
  const made: Compacted = { summaries: [], usage: [], attempts: [] };
  if (plan.strategy !== "compact") return made;
  for (;;) {
    const summaries = [...parts.summaries, ...made.summaries];
    const block = nextBlock(transcript, summaries, { ...plan, turnsLeft });
    if (block === undefined) return made;
    const reserved = writer.reservedNanoUsd(parts.conversationId) + spentAtMost(subtotalOf(made.usage));
    const spendableNanoUsd =
      parts.spendableNanoUsd === undefined ? undefined : Math.max(0, parts.spendableNanoUsd - reserved);
    const job = { ...parts, summaries, block, spendableNanoUsd };
    if (block.due === "soon") {
      writer.start(job, config);
      return made;
    }
    const { entry, usage, attempts } = await writer.finish(job, config);
    made.summaries.push(entry);
    made.usage.push(...usage);
    made.attempts.push(...attempts);
  }
}
