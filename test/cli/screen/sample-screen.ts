/** Everything a run shows of a record, in the order a terminal would show it. */
import {
  renderFailure,
  renderHeader,
  renderRemark,
  renderTurn,
} from "../../../src/cli/screen/conversation.ts";
import { renderEnding } from "../../../src/cli/screen/ending.ts";
import type { ScreenOptions } from "../../../src/cli/screen/line.ts";
import { renderProgress } from "../../../src/cli/screen/progress.ts";
import type { ConversationRecord } from "../../../src/domain/record.ts";
import { type Happening, timeline } from "../../../src/report/timeline.ts";

export function renderRun(
  record: ConversationRecord,
  options: ScreenOptions,
  files: readonly string[] = ["out/api-pricing-7/transcript.md", "out/api-pricing-7/conversation.json"],
): string[] {
  const cast = record.participants;
  const show = (happening: Happening): string[] => {
    switch (happening.kind) {
      case "remark":
        return renderRemark(happening.remark, cast, options);
      case "failure":
        return renderFailure(happening.failure, cast, options);
      case "turn":
        return renderTurn(happening.turn, cast, options);
    }
  };
  const header = {
    title: record.scenario.title,
    topic: record.scenario.topic,
    cast,
    seed: record.seed,
    transport: { kind: "offline" as const, why: "no OPENAI_API_KEY", pricedAs: ["gpt-4.1-nano", "gpt-4.1"] },
  };
  const progress = {
    turns: 5,
    maxTurns: 24,
    cost: record.usage.totals,
    capNanoUsd: 50_000_000,
    activity: `${cast[0]?.name} is speaking`,
  };
  return [
    ...renderHeader(header, options),
    ...timeline(record).flatMap(show),
    renderProgress(progress, options),
    "",
    ...renderEnding({ record, files }, options),
  ];
}
