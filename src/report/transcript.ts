/** The transcript of a conversation: a Markdown document to read, from first words to last nano-dollar. */
import type { ConversationRecord } from "../domain/record.ts";
import type { Turn, TurnFailure } from "../domain/turn.ts";
import { type CostRow, costRows } from "./cost-rows.ts";
import {
  costColumn,
  count,
  formatCost,
  formatDuration,
  formatPercent,
  formatSaved,
  formatShare,
  formatTokens,
} from "./figures.ts";
import { inlineMarkdown, markdownTable, paragraphs } from "./markdown.ts";
import {
  choiceNote,
  endingTitle,
  type Happening,
  nameOf,
  OUTCOME_TITLES,
  type Participant,
  timeline,
} from "./timeline.ts";

type Cast = readonly Participant[];
type Sources = ConversationRecord["sources"];

/** Blocks stand apart by an empty line; a block is a line or the lines of a table. */
const document = (blocks: readonly (string | readonly string[])[]): string =>
  `${blocks.map((block) => (typeof block === "string" ? block : block.join("\n"))).join("\n\n")}\n`;

const quietLine = (parts: readonly (string | undefined)[]): string =>
  `<sub>${parts.filter((part) => part !== undefined).join(" · ")}</sub>`;

/** Paragraphs as one quotation. */
const quoted = (lines: readonly string[]): string[] =>
  lines.flatMap((line, index) => (index === 0 ? [`> ${line}`] : [">", `> ${line}`]));

const listed = (items: readonly string[]) => items.map(inlineMarkdown).join(", ");

function head(record: ConversationRecord): (string | string[])[] {
  const { scenario, usage } = record;
  const spent = formatDuration(Date.parse(record.endedAt) - Date.parse(record.startedAt));
  const facts = [
    count(record.turns.length, "turn"),
    record.failures.length === 0 ? undefined : count(record.failures.length, "failure"),
    count(usage.totals.requests, "request"),
    formatCost(usage.totals),
    `seed ${record.seed}`,
    `started ${inlineMarkdown(record.startedAt)}`,
    spent === undefined ? undefined : `took ${spent}`,
  ];
  return [
    `# ${inlineMarkdown(scenario.title)}`,
    ...paragraphs(scenario.topic),
    ...(record.transport === "offline" || record.replayOf === "offline"
      ? [
          "> **Generated offline.** No language model wrote these answers and nothing was charged; costs are what the same tokens would have cost.",
        ]
      : []),
    markdownTable({
      head: ["Participant", "Role", "Id"],
      rows: record.participants.map(({ id, name, role }) => [
        `**${inlineMarkdown(name)}**`,
        inlineMarkdown(role),
        inlineMarkdown(id),
      ]),
      align: "left",
    }),
    `**${inlineMarkdown(endingTitle(record))}.** ${inlineMarkdown(record.ending.evidence)}`,
    facts.filter((fact) => fact !== undefined).join(" · "),
  ];
}

/** Each citation, as a link to its source where the record holds it. */
function citations(ids: readonly string[], sources: Sources): string {
  const cited = ids.map((id) => {
    const place = sources.findIndex((source) => source.id === id);
    return place === -1 ? inlineMarkdown(id) : `[${inlineMarkdown(id)}](#source-${place + 1})`;
  });
  return `cites ${cited.join(", ")}`;
}

function why(spoken: Turn | TurnFailure): string | undefined {
  const note = choiceNote(spoken);
  return note === undefined ? undefined : inlineMarkdown(note.text);
}

function turnBlocks(turn: Turn, { participants: cast, sources }: ConversationRecord): string[] {
  return [
    `### ${turn.turn} · ${inlineMarkdown(nameOf(cast, turn.speaker))}`,
    ...paragraphs(turn.message),
    quietLine([
      `${formatPercent(turn.confidence)} confident`,
      turn.addressedTo === null ? undefined : `to ${inlineMarkdown(nameOf(cast, turn.addressedTo))}`,
      turn.citations.length === 0 ? undefined : citations(turn.citations, sources),
      turn.removedCitations.length === 0
        ? undefined
        : `**removed citations, never retrieved:** <del>${listed(turn.removedCitations)}</del>`,
      turn.wantsToConclude ? "wants to conclude" : undefined,
      why(turn),
      inlineMarkdown(turn.model.id),
      turn.usage.requests > 1 ? count(turn.usage.requests, "request") : undefined,
      formatCost(turn.usage),
    ]),
  ];
}

function failureBlocks(failure: TurnFailure, cast: Cast): (string | string[])[] {
  const name = inlineMarkdown(nameOf(cast, failure.speaker));
  const quiet = quietLine([
    OUTCOME_TITLES[failure.outcome],
    why(failure),
    inlineMarkdown(failure.model.id),
    failure.outcome === "repaired" ? "cost counted in the turn below" : formatCost(failure.usage),
  ]);
  return [
    `### ${failure.turn} · ${name} · failed`,
    quoted([`**${failure.kind}**`, ...paragraphs(failure.detail), quiet]),
  ];
}

function happeningBlocks(happening: Happening, record: ConversationRecord): (string | string[])[] {
  const cast = record.participants;
  switch (happening.kind) {
    case "turn":
      return turnBlocks(happening.turn, record);
    case "failure":
      return failureBlocks(happening.failure, cast);
    case "remark": {
      const { afterTurn, speaker, message } = happening.remark;
      const title = inlineMarkdown(nameOf(cast, speaker));
      return [`### ${title} · ${afterTurn === 0 ? "opening" : "joins in"}`, ...paragraphs(message)];
    }
  }
}

function costTable(title: string, rows: readonly CostRow[]): string[] {
  const costs = costColumn(rows.map(({ usage }) => usage));
  return markdownTable({
    head: [title, "Requests", "Input", "Cached", "Output", "Cost", "Share"],
    rows: rows.map(({ name, usage, share }, index) => [
      inlineMarkdown(name),
      formatTokens(usage.requests),
      formatTokens(usage.inputTokens),
      formatTokens(usage.cachedInputTokens),
      formatTokens(usage.outputTokens),
      inlineMarkdown(costs[index] ?? ""),
      formatShare(share),
    ]),
    align: "right",
  });
}

/** Every passage that was cited, quoted; headings are numbered, so that no id can choose where a link leads. */
function sourceBlocks(sources: Sources): (string | string[])[] {
  if (sources.length === 0) return [];
  const blocks = sources.flatMap(({ id, title, category, text }, index) => [
    `### Source ${index + 1}`,
    `**${inlineMarkdown(id)}** · ${inlineMarkdown(title)} · ${inlineMarkdown(category)}`,
    quoted(paragraphs(text)),
  ]);
  return ["## Sources", ...blocks];
}

/**
 * The whole of `transcript.md`. Failures stand where they happened, removed citations are struck out, unknown costs
 * are said; nothing in a message, a name or an id can change the document around it.
 */
export function transcriptMarkdown(record: ConversationRecord): string {
  const { byPersona, byModel, byTier, total } = costRows(record);
  const saved = formatSaved(total.usage);
  return document([
    ...head(record),
    "## Conversation",
    ...timeline(record).flatMap((happening) => happeningBlocks(happening, record)),
    "## Cost",
    costTable("Persona", [...byPersona, total]),
    costTable("Model", byModel),
    ...(byTier.length === 0 ? [] : [costTable("Tier", byTier)]),
    `Total: ${formatCost(total.usage)}. Input includes the cached tokens. Cost in US dollars, exact to the nano-dollar.`,
    ...(saved === undefined ? [] : [`${saved}.`]),
    ...sourceBlocks(record.sources),
  ]);
}
