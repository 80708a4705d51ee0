/** What `dramatis run` shows while a conversation goes on: its header, and each turn, remark or failure as it comes. */
import type { Rating, Turn, TurnFailure } from "../../domain/turn.ts";
import { count, formatCost, formatPercent, formatTokens } from "../../report/figures.ts";
import { choiceNote, nameOf, OUTCOME_TITLES, type Participant, type Remark } from "../../report/timeline.ts";
import {
  cut,
  flow,
  gap,
  type Line,
  printLine,
  printLines,
  prose,
  proseColumns,
  type ScreenOptions,
  type Span,
  span,
  widthOf,
} from "./line.ts";
import type { Style } from "./paint.ts";

export type Cast = readonly Participant[];

export interface HeaderView {
  title: string;
  topic: string;
  cast: Cast;
  seed: number;
  /**
   * offline: the models at whose prices costs are figured, and why it is so. network: where requests go, no
   * credentials, and where the key came from. replay: the file that answers.
   */
  transport:
    | { kind: "offline"; pricedAs: readonly string[]; why?: string | undefined }
    | { kind: "network"; host: string; key?: string | undefined }
    | { kind: "replay"; file: string };
}

/** Room for the turn's number and the space after it; everything of a turn hangs from here. */
export const INDENT = 5;
const NAME_COLUMNS = 32;

/** The colour of a speaker; people who are not of the cast have weight, but no colour. */
export function speakerStyle(cast: Cast, id: string): Style {
  const speaker = cast.findIndex((participant) => participant.id === id);
  return speaker === -1 ? "strong" : { speaker };
}

/** A bar of `cells`, filled to the share. */
export function bar(share: number, cells: number, style: Style): Line {
  const filled = Math.min(cells, Math.max(0, Math.round(share * cells)));
  return [
    { text: "━".repeat(filled), style },
    { text: "─".repeat(cells - filled), style: "quiet" },
  ];
}

function transportLine(transport: HeaderView["transport"]): string {
  if (transport.kind === "network") {
    return `network: ${transport.host}${transport.key === undefined ? "" : `, ${transport.key}`}`;
  }
  if (transport.kind === "replay") {
    return `replay of ${transport.file}: answers were recorded, nothing is charged`;
  }
  const why = transport.why === undefined ? "" : ` (${transport.why})`;
  const prices =
    transport.pricedAs.length === 0
      ? "nothing is charged"
      : `costs figured at the prices of ${transport.pricedAs.join(", ")}`;
  return `offline${why}: answers are generated, ${prices}`;
}

/** Title, topic, cast with their colours, seed and transport. */
export function renderHeader(view: HeaderView, options: ScreenOptions): string[] {
  const columns = proseColumns(options);
  const names = view.cast.map(({ id, name }) =>
    span(cut(span(name).text, NAME_COLUMNS), speakerStyle(view.cast, id)),
  );
  const widest = Math.max(0, ...names.map((name) => widthOf([name])));
  const cast = view.cast.map(({ role }, index): Line => {
    const name = names[index] ?? { text: "" };
    const bullet: Span = { text: "●", style: name.style };
    return [gap(2), bullet, gap(2), name, gap(widest - widthOf([name]) + 2), span(role, "quiet")];
  });
  return printLines(
    [
      [],
      ...prose(view.title, { columns, indent: 2, style: "strong" }),
      ...prose(view.topic, { columns, indent: 2, style: "quiet" }),
      [],
      ...cast,
      [],
      ...prose(`${transportLine(view.transport)}; seed ${view.seed}`, { columns, indent: 2, style: "quiet" }),
      [],
    ],
    options,
  );
}

function nameLine(number: string, id: string, cast: Cast, after: Line): Line {
  const role = cast.find((participant) => participant.id === id)?.role;
  return [
    { text: number.padStart(INDENT - 2), style: "quiet" },
    gap(2),
    span(cut(span(nameOf(cast, id)).text, NAME_COLUMNS), speakerStyle(cast, id)),
    ...(after.length > 0 ? [gap(2), ...after] : role === undefined ? [] : [gap(2), span(role, "quiet")]),
  ];
}

/** What is to know of an answer and what it took: in one line, or each beginning its own. */
function notes(answer: readonly Line[], spoken: Turn | TurnFailure, columns: number): Line[] {
  const { requests, inputTokens, outputTokens } = spoken.usage;
  const choice = choiceNote(spoken);
  const why: Line[] =
    choice === undefined ? [] : [[span(choice.text, choice.isFallback ? "warning" : "quiet")]];
  const about = [...answer, ...why];
  const figures: Line[] = [
    [span(spoken.model.id, "quiet")],
    ...(requests > 1 ? [[span(count(requests, "request"), "quiet")]] : []),
    [span(`${formatTokens(inputTokens)} in, ${formatTokens(outputTokens)} out`, "quiet")],
    [span(formatCost(spoken.usage), "quiet")],
  ];
  const room = { columns, indent: INDENT };
  const together = flow([...about, ...figures], room);
  return together.length === 1 ? together : [...flow(about, room), ...flow(figures, room)];
}

/** A turn: number, name and role; the message; a quiet line of figures. Ends with an empty line. */
export function renderTurn(turn: Turn, cast: Cast, options: ScreenOptions): string[] {
  const columns = proseColumns(options);
  const answer: Line[] = [
    [
      ...bar(turn.confidence, 10, speakerStyle(cast, turn.speaker)),
      gap(1),
      span(`${formatPercent(turn.confidence)} confident`, "quiet"),
    ],
    ...(turn.addressedTo === null ? [] : [[span(`→ ${nameOf(cast, turn.addressedTo)}`, "quiet")]]),
    ...turn.citations.map((id) => [span(`[${id}]`, "quiet")]),
    ...turn.removedCitations.map((id) => [span(`[${id}] removed: never retrieved`, "warning")]),
    ...(turn.wantsToConclude ? [[span("✓ wants to conclude", "quiet")]] : []),
  ];
  return printLines(
    [
      nameLine(String(turn.turn), turn.speaker, cast, []),
      ...prose(turn.message, { columns, indent: INDENT }),
      ...notes(answer, turn, columns),
      [],
    ],
    options,
  );
}

/** The first line of a turn that is still being spoken. */
export const renderSpeaker = (turn: number, speaker: string, cast: Cast, options: ScreenOptions): string =>
  printLine(nameLine(String(turn), speaker, cast, []), options);

/** A failure in its place: kind, what was expected and came, and what became of the turn. Ends with an empty line. */
export function renderFailure(failure: TurnFailure, cast: Cast, options: ScreenOptions): string[] {
  const columns = proseColumns(options);
  const style = failure.outcome === "stopped" ? "failure" : "warning";
  const sign = failure.outcome === "stopped" ? "✗" : "!";
  return printLines(
    [
      nameLine(String(failure.turn), failure.speaker, cast, [span(`${sign} ${failure.kind}`, style)]),
      ...prose(failure.detail, { columns, indent: INDENT }),
      ...notes([[span(OUTCOME_TITLES[failure.outcome], style)]], failure, columns),
      [],
    ],
    options,
  );
}

/** The opening, or words of somebody who joined in. Ends with an empty line. */
export function renderRemark(remark: Remark, cast: Cast, options: ScreenOptions): string[] {
  const columns = proseColumns(options);
  const note: Line = remark.afterTurn === 0 ? [span("opening", "quiet")] : [span("joins in", "quiet")];
  return printLines(
    [nameLine("", remark.speaker, cast, note), ...prose(remark.message, { columns, indent: INDENT }), []],
    options,
  );
}

/** That the conversation is rated otherwise than before, and from what signs. Ends with an empty line. */
export function renderRating({ level, signs }: Rating, options: ScreenOptions): string[] {
  const from = signs.length === 0 ? "no sign of difficulty is left" : signs.join(", ");
  const room = { columns: proseColumns(options), indent: INDENT, style: "quiet" as const };
  return printLines([...prose(`complexity is now ${level}: ${from}`, room), []], options);
}
