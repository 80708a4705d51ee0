/** What the list commands show: personas, one persona, scenarios, models with the rules that choose among them. */

import type { ModelInfo, SelectionRule } from "../../domain/model-info.ts";
import { formatUsd, nanoUsd } from "../../domain/money.ts";
import type { Persona } from "../../domain/persona.ts";
import { count, formatTokens, usdDecimals } from "../../report/figures.ts";
import { bar } from "./conversation.ts";
import {
  gap,
  type Line,
  printLines,
  prose,
  proseColumns,
  type ScreenOptions,
  type Span,
  screenColumns,
  span,
  widthOf,
  wrapText,
} from "./line.ts";
import { table } from "./table.ts";

const INDENT = 2;
const LABEL_COLUMNS = 20;

/** A label and what it says, the latter hanging beside the former. */
function labelled(label: string, texts: readonly string[], columns: number): Line[] {
  const room = columns - INDENT - LABEL_COLUMNS;
  const lines = texts.flatMap((text) => wrapText(text, room));
  return lines.map((text, index) => {
    const title = span(index === 0 ? label : "", "quiet");
    return [gap(INDENT), title, gap(LABEL_COLUMNS - widthOf([title])), { text }];
  });
}

/** `dramatis personas list`. */
export function renderPersonas(personas: readonly Persona[], options: ScreenOptions): string[] {
  const rows = personas.map(({ id, name, role, personality, model, requiresReasoning }, index): Span[] => [
    span(id, { speaker: index }),
    span(name),
    span(personality.kind),
    span(model ?? (requiresReasoning ? "requires reasoning" : "by selection"), "quiet"),
    span(role, "quiet"),
  ]);
  const head = [
    { title: "id", isWhole: true },
    { title: "name", isOptional: true, isWhole: true },
    { title: "kind", isOptional: true, isWhole: true },
    { title: "model", isOptional: true, isWhole: true },
    { title: "role", isOptional: true },
  ];
  return printLines(table(head, rows, { columns: screenColumns(options), indent: INDENT }), options);
}

/** `dramatis personas show <id>`: everything of one persona, its private notes included. */
export function renderPersona(persona: Persona, options: ScreenOptions): string[] {
  const columns = proseColumns(options);
  const { personality } = persona;
  const items = (texts: readonly string[]) => texts.map((text) => `- ${text}`);
  const entry = (label: string, texts: readonly string[]) => labelled(label, texts, columns);
  const bigFive = Object.entries(personality.bigFive).map(
    ([trait, share]): Line => [
      gap(INDENT),
      span(trait, "quiet"),
      gap(LABEL_COLUMNS - trait.length),
      ...bar(share, 10, "strong"),
      gap(1),
      span(share.toFixed(2), "quiet"),
    ],
  );
  return printLines(
    [
      [gap(INDENT), span(persona.name, { speaker: 0 }), gap(2), span(persona.role, "quiet")],
      [],
      ...prose(persona.background, { columns, indent: INDENT }),
      [],
      ...entry("id", [persona.id]),
      ...entry("kind", [personality.kind]),
      ...entry("traits", [personality.traits.join(", ")]),
      ...entry("style", [personality.communicationStyle]),
      ...entry("talkativeness", [String(persona.talkativeness)]),
      ...entry("model", [
        persona.model ?? (persona.requiresReasoning ? "by selection, requires reasoning" : "by selection"),
      ]),
      ...entry("knowledge", [persona.knowledge?.join(", ") ?? "all categories"]),
      [],
      ...bigFive,
      [],
      ...entry("expertise", items(persona.expertise)),
      ...entry("goals", items(persona.goals)),
      ...entry("beliefs", items(persona.beliefs)),
      ...entry("private notes", items(persona.privateNotes)),
    ],
    options,
  );
}

/** What a list of scenarios shows of each. */
export interface ScenarioRow {
  id: string;
  title: string;
  description?: string | undefined;
  /** What the user would type to run it. */
  command: string;
  castSize: number;
  policy: string;
}

/** `dramatis scenarios`. */
export function renderScenarios(scenarios: readonly ScenarioRow[], options: ScreenOptions): string[] {
  const columns = proseColumns(options);
  const lines = scenarios.flatMap(({ id, title, description, command, castSize, policy }, index): Line[] => [
    ...(index === 0 ? [] : [[]]),
    ...prose(title, { columns, indent: INDENT, style: "strong" }),
    ...(description === undefined ? [] : prose(description, { columns, indent: INDENT })),
    ...prose(`${id}, ${count(castSize, "persona")}, moderator ${policy}`, {
      columns,
      indent: INDENT,
      style: "quiet",
    }),
    ...prose(command, { columns, indent: INDENT, style: "quiet" }),
  ]);
  return printLines(lines, options);
}

/** Prices in dollars as one column with their points in line. */
function priceColumn(prices: readonly (number | undefined)[]): string[] {
  const nano = prices.map((price) => (price === undefined ? undefined : nanoUsd(price)));
  const decimals = usdDecimals(nano);
  return nano.map((amount) => formatUsd(amount, decimals));
}

function ruleText({ when, use }: SelectionRule): string {
  const conditions = [
    when.requiresReasoning === undefined
      ? undefined
      : when.requiresReasoning
        ? "the persona requires reasoning"
        : "the persona requires no reasoning",
    when.complexity === undefined ? undefined : `complexity is ${when.complexity}`,
    when.kind === undefined ? undefined : `the persona is ${when.kind}`,
  ].filter((condition) => condition !== undefined);
  return `${conditions.length === 0 ? "otherwise" : `if ${conditions.join(" and ")}`} → ${use}`;
}

/** `dramatis models`: prices in dollars per million tokens, limits, and the selection rules in order. */
export function renderModels(
  models: readonly ModelInfo[],
  selection: readonly SelectionRule[],
  options: ScreenOptions,
): string[] {
  const columns = proseColumns(options);
  const input = priceColumn(models.map(({ price }) => price?.input));
  const cached = priceColumn(models.map(({ price }) => price?.cachedInput ?? price?.input));
  const output = priceColumn(models.map(({ price }) => price?.output));
  const rows = models.map((model, index): Span[] => [
    span(model.id, "strong"),
    span(input[index] ?? ""),
    span(cached[index] ?? ""),
    span(output[index] ?? ""),
    span(formatTokens(model.contextWindow), "quiet"),
    span(formatTokens(model.maxOutput), "quiet"),
    span(model.reasons ? "reasoning model" : "", "quiet"),
    span(model.structured, "quiet"),
  ]);
  const right = "right" as const;
  const head = [
    { title: "model", isWhole: true },
    { title: "input", align: right },
    { title: "cached", align: right, isOptional: true },
    { title: "output", align: right },
    { title: "context", align: right, isOptional: true },
    { title: "max output", align: right, isOptional: true },
    { title: "", isOptional: true },
    { title: "answers by", isOptional: true },
  ];
  return printLines(
    [
      ...table(head, rows, { columns, indent: INDENT }),
      [],
      ...prose("Prices in dollars per million tokens, context and max output in tokens.", {
        columns,
        indent: INDENT,
        style: "quiet",
      }),
      [],
      [gap(INDENT), span("selection", "strong"), gap(2), span("the first rule that holds", "quiet")],
      ...selection.flatMap((rule, index) =>
        prose(`${index + 1}. ${ruleText(rule)}`, { columns, indent: INDENT }),
      ),
    ],
    options,
  );
}
