/** Reads what holds in a run from its context, once: its nodes get the same one at every turn. */
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import type { Catalog } from "../catalog/catalog.ts";
import { oncePer } from "../domain/once-per.ts";
import { firstTier, notOffered } from "../model/tier.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { contextOf } from "./context.ts";
import { type RunSettings, settingsOf } from "./settings.ts";
import { possibleModels } from "./speaker-model.ts";

const NO_CONTEXT = {};

/** @returns a reader that throws DramatisError for a context that cannot be, before anything is paid */
export function settingsReader(scenario: Scenario, catalog: Catalog) {
  const castIds = scenario.cast.map(({ id }) => id);
  const read = oncePer((context: object) => {
    const settings = settingsOf(scenario, contextOf({ context }, castIds, catalog));
    checkTier(scenario, settings, catalog);
    return settings;
  });
  return ({ context = NO_CONTEXT }: LangGraphRunnableConfig): RunSettings => read(context);
}

/** @throws DramatisError `invalid-argument` for a model that may be asked and is not offered at the run's tier */
function checkTier(scenario: Scenario, settings: RunSettings, catalog: Catalog): void {
  const { cast, moderator } = scenario;
  if (settings.tiers.tier !== "flex") return;
  const gateway = { catalog };
  const speakers = cast.flatMap((persona) => possibleModels({ scenario, persona, gateway }, settings));
  const named = moderator.policy === "model" && moderator.model !== undefined ? [moderator.model] : [];
  const models = [...speakers, ...named].map((id) => catalog.model(id));
  const wrong = models.find((model) => firstTier(settings.tiers, model) === undefined);
  if (wrong !== undefined) throw notOffered(wrong.id, catalog.models.values());
}
