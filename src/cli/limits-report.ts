/** What `dramatis limits` does: finds the limits, works out what a scenario needs, and shows the one beside the other. */
import { openDramatis } from "../app.ts";
import { DramatisError } from "../domain/errors.ts";
import type { ProjectLimits } from "../model/pace/project-limits.ts";
import { type ModelNeed, needsOf } from "../quote/at-best.ts";
import { jsonText } from "../report/json-text.ts";
import { findScenario } from "../scenario/find-scenario.ts";
import { findLimits } from "./found-limits.ts";
import { checkModel, contextOf, type RunFlags } from "./run-flags.ts";
import { type LimitsRow, renderLimits, renderNeeds } from "./screen/limits.ts";
import type { Terminal } from "./terminal.ts";
import { catalogPath, inputPath } from "./typed-path.ts";

export interface LimitsFlags
  extends Pick<RunFlags, "turns" | "model" | "complexity" | "catalog" | "json" | "rpm" | "tpm"> {
  project?: string;
  all?: boolean;
  runs?: number;
}

/** What is unknown is null: a key that is missing is easily taken for no limit. */
const limitsJson = (limits: ProjectLimits | undefined) => ({
  requestsPerMinute: limits?.requestsPerMinute ?? null,
  tokensPerMinute: limits?.tokensPerMinute ?? null,
  requestsPerDay: limits?.requestsPerDay ?? null,
  batchTokensPerDay: limits?.batchTokensPerDay ?? null,
});

const needJson = ({ atBest, batchDays, limits, ...need }: ModelNeed) => ({
  ...need,
  limits: limitsJson(limits),
  atBestMs: atBest?.ms ?? null,
  by: atBest?.by ?? null,
  batchDays: batchDays ?? null,
});

/** `dramatis limits [scenario]`. */
export async function reportLimits(
  name: string | undefined,
  flags: LimitsFlags,
  terminal: Terminal,
): Promise<void> {
  const scenario = name === undefined ? undefined : findScenario(inputPath(name, terminal.env));
  const dramatis = await openDramatis({
    catalogFile: catalogPath(flags.catalog, terminal.env),
    offline: true,
    env: terminal.env,
  });
  const { catalog } = dramatis;
  if (flags.model !== undefined) checkModel(flags.model, catalog);
  const found = await findLimits(flags, terminal);
  if (scenario === undefined && found.rows.length === 0) {
    const why = found.problem ?? "Limits that are given by hand say something beside a scenario only.";
    throw new DramatisError("invalid-argument", `There are no limits to show. ${why}`);
  }
  const runs = flags.runs ?? 1;
  const quote = scenario && (await dramatis.quote(scenario, { context: contextOf(flags), runs }));
  const needs = quote && needsOf(quote.expected, found.limitsOf);
  if (flags.json) {
    const models = Object.fromEntries(found.rows.map(({ model, limits }) => [model, limitsJson(limits)]));
    const asked = needs && { scenario: scenario?.id, runs, needs: needs.map(needJson) };
    terminal.write(`${jsonText({ project: found.project ?? null, models, ...asked })}\n`);
    return;
  }
  const isKnown = ({ model }: LimitsRow) => catalog.find(model) !== undefined;
  const isNeeded = ({ model }: LimitsRow) =>
    needs === undefined || needs.some((need) => need.model === model);
  const shown = flags.all ? found.rows : found.rows.filter((row) => isKnown(row) && isNeeded(row));
  const hidden = found.rows.filter((row) => !isKnown(row) && !flags.all).length;
  const { project, problem } = found;
  const lines = [
    ...(project === undefined ? [] : renderLimits({ project, rows: shown, hidden }, terminal.screen)),
    ...(project === undefined || needs === undefined ? [] : [""]),
    ...(needs === undefined || quote === undefined
      ? []
      : renderNeeds({ title: quote.scenario.title, runs, needs, problem }, terminal.screen)),
  ];
  terminal.write(`${lines.join("\n")}\n`);
}
