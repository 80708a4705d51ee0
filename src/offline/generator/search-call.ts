/** What to look up: a query from what was just said and what the persona turns to, and the category it may be in. */
import type { ToolOnWire } from "../protocol.ts";
import type { Agenda } from "./agenda.ts";
import { accepts, type Ideas, instanceOf, type Schema } from "./json-schema.ts";
import type { Draw, Move } from "./move.ts";
import { pointsOf } from "./points.ts";
import { asPhrase } from "./prose.ts";
import type { Situation } from "./situation.ts";
import { overlap, stemsOfAll } from "./stems.ts";
import { isOrdinaryWord } from "./vocabulary.ts";
import { PREPOSITIONS, STOP_WORDS } from "./words.ts";

const MAX_QUERY_WORDS = 8;

/** What belongs to a category whose name alone does not say it; by words in a persona's fields and role. */
const CATEGORY_FIELDS: Record<string, string> = {
  technical:
    "engineer engineering software data model models language machine learning speech sync offline security incident code performance systems accessibility migration architecture network hardware",
  business:
    "pricing finance financial market sales contracts renewal renewals release product manager budget costs auditing strategy subscription revenue customers negotiating",
  creative:
    "design designer writing wording story storyboards prototyping interview interviewing research care carer nursing families art music drawing brand teaching",
};

export const isSearchTool = ({ function: { name, parameters } }: ToolOnWire): boolean =>
  /search|knowledge|look_?up|retriev/i.test(name) && "query" in ((parameters?.properties ?? {}) as object);

const content = (phrase: string) => phrase.replace(/["]/g, "").replace(/^the /, "");

export function queryFor({ self, topic, cast }: Situation, agenda: Agenda, move: Move, draw: Draw): string {
  const points =
    move.previous?.by === undefined
      ? []
      : pointsOf(move.previous.text, agenda.pointTerms, isOrdinaryWord).slice(0, 2);
  const names = new Set(cast.flatMap(({ name }) => name.toLowerCase().split(" ")));
  const own = stemsOfAll([...self.expertise, ...self.goals, ...self.beliefs]);
  const subjects = agenda.terms
    .filter(({ kind }) => kind !== "people")
    .map((term, rank) => ({
      term,
      score: overlap(term.core, own) * 0.5 - rank * 0.05 + draw(`query ${term.core}`),
    }))
    .sort((a, b) => b.score - a.score)
    .slice(0, points.length > 1 ? 1 : 2)
    .map(({ term }) => term.text);
  const field = self.expertise[Math.floor(draw("query field") * self.expertise.length)] ?? "";
  const mine = draw("query mine") < 0.5 ? [asPhrase(field)] : [];
  const words = [...points, ...subjects, ...mine]
    .flatMap((phrase) => content(phrase).split(" "))
    .filter((word) => !STOP_WORDS.has(word) && !PREPOSITIONS.has(word));
  const kept = [...new Set(words)].filter((word) => !names.has(word.toLowerCase())).slice(0, MAX_QUERY_WORDS);
  return kept.join(" ") || topic.replace(/\s+/g, " ").slice(0, 80).trim() || "background";
}

/** The category whose subject is nearest to what the persona knows; undefined when none is. */
function categoryFor({ self }: Situation, categories: readonly string[], query: string): string | undefined {
  const known = stemsOfAll([...self.expertise, self.role, query]);
  const scored = categories
    .map((category) => ({
      category,
      score: overlap(`${category} ${CATEGORY_FIELDS[category] ?? ""}`, known),
    }))
    .sort((a, b) => b.score - a.score);
  const [first, second] = scored;
  return first !== undefined && first.score > (second?.score ?? 0) ? first.category : undefined;
}

const enumOf = (schema: Schema): string[] => {
  const variants = Array.isArray(schema.anyOf) ? (schema.anyOf as Schema[]) : [schema];
  return variants
    .flatMap((variant) => (Array.isArray(variant.enum) ? variant.enum : []))
    .filter((value): value is string => typeof value === "string");
};

/** Arguments for the tool, valid under its own schema, as JSON text. */
export function searchArguments(
  tool: ToolOnWire,
  situation: Situation,
  agenda: Agenda,
  move: Move,
  ideas: Ideas,
): string {
  const schema = tool.function.parameters ?? {};
  const query = queryFor(situation, agenda, move, ideas.draw);
  const value = (name: string, part: Schema): unknown => {
    if (name === "query") return query;
    const categories = enumOf(part);
    if (categories.length === 0) return undefined;
    const fitting = ideas.draw("category") < 0.55 ? categoryFor(situation, categories, query) : undefined;
    if (fitting !== undefined) return fitting;
    return accepts(part, null) ? null : undefined;
  };
  const made = instanceOf(schema, { ...ideas, value }) as Record<string, unknown>;
  const required = Array.isArray(schema.required) ? schema.required : [];
  const kept = Object.entries(made).filter(
    ([name]) => required.includes(name) || value(name, {}) !== undefined || name === "category",
  );
  return JSON.stringify(Object.fromEntries(kept));
}
