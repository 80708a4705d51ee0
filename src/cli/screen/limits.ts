/** What `dramatis limits` shows: a project's limits, what conversations need of each model, how long they take at best. */
import type { ProjectLimits } from "../../model/pace/project-limits.ts";
import { type Bottleneck, longest, type ModelNeed } from "../../quote/at-best.ts";
import { count, formatDuration, formatTokens } from "../../report/figures.ts";
import {
  printLines,
  prose,
  proseColumns,
  type ScreenOptions,
  type Span,
  screenColumns,
  span,
} from "./line.ts";
import { table } from "./table.ts";

const INDENT = 2;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface LimitsRow {
  model: string;
  limits: ProjectLimits;
}

const WORDS: Readonly<Record<Bottleneck, string>> = {
  requestsPerMinute: "requests a minute",
  tokensPerMinute: "tokens a minute",
  requestsPerDay: "requests a day",
};

/** `4 min 5 s`, `3 h 20 min`, `2 days`. */
export function formatLong(ms: number): string {
  if (ms < 2 * HOUR_MS) return formatDuration(ms) ?? "unknown";
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)} h ${Math.floor((ms % HOUR_MS) / 60_000)} min`;
  return count(Math.ceil(ms / DAY_MS), "day");
}

const right = "right" as const;
const limit = (value: number | undefined): Span =>
  value === undefined ? span("–", "quiet") : span(formatTokens(value));

/** A mean has tenths, which say something of few only. */
const requests = (mean: number) => formatTokens(mean < 100 ? mean : Math.round(mean));

/** The limits of a project; `hidden` models are in it that the catalog does not know. */
export function renderLimits(
  { project, rows, hidden }: { project: string; rows: readonly LimitsRow[]; hidden: number },
  options: ScreenOptions,
): string[] {
  const head = [
    { title: "model", isWhole: true },
    { title: "requests/min", align: right },
    { title: "tokens/min", align: right },
    { title: "requests/day", align: right, isOptional: true },
    { title: "batch tokens/day", align: right, isOptional: true },
  ];
  const cells = rows.map(({ model, limits }): Span[] => [
    span(model),
    limit(limits.requestsPerMinute),
    limit(limits.tokensPerMinute),
    limit(limits.requestsPerDay),
    limit(limits.batchTokensPerDay),
  ]);
  const room = { columns: screenColumns(options), indent: INDENT };
  const narrow = { columns: proseColumns(options), indent: INDENT, style: "quiet" as const };
  const more = hidden === 0 ? "" : ` ${count(hidden, "model")} that the catalog does not know: --all.`;
  return printLines(
    [
      ...(rows.length === 0 ? prose("It lists none of these models.", narrow) : table(head, cells, room)),
      ...prose(`Limits of project ${project}; – is not told.${more}`, narrow),
    ],
    options,
  );
}

export interface NeedsView {
  /** Of the scenario. */
  title: string;
  runs: number;
  needs: readonly ModelNeed[];
  /** Why limits are not known. */
  problem: string | undefined;
}

/** What takes longest, in a sentence. */
function verdict({ title, runs, needs, problem }: NeedsView): string {
  const all = `${count(runs, "conversation")} of “${title}”`;
  const known = needs.flatMap(({ model, atBest }) => (atBest === undefined ? [] : [{ model, ...atBest }]));
  const most = longest(known);
  if (most === undefined)
    return `How long ${all} take${runs === 1 ? "s" : ""} at best is not known. ${problem ?? "The project has no limits of these models."}`;
  const open = needs.filter(({ atBest }) => atBest === undefined).map(({ model }) => model);
  const rest = open.length === 0 ? "" : ` The limits of ${open.join(", ")} are not known.`;
  return `${all} take${runs === 1 ? "s" : ""} ${formatLong(most.ms)} at best, by the ${WORDS[most.by]} of ${most.model}; and no less than the answers of one conversation, which come one after the other.${rest}`;
}

/** What conversations need of each model, by the quote's sample runs, and how long that takes at best. */
export function renderNeeds(view: NeedsView, options: ScreenOptions): string[] {
  const { needs, runs } = view;
  const head = [
    { title: "model", isWhole: true },
    { title: "requests", align: right },
    { title: "counted tokens", align: right },
    { title: "input", align: right, isOptional: true },
    { title: "at best", align: right },
    { title: "batch days", align: right, isOptional: true },
  ];
  const cells = needs.map((need): Span[] => [
    span(need.model),
    span(requests(need.requests)),
    span(formatTokens(need.countedTokens)),
    span(formatTokens(need.inputTokens)),
    need.atBest === undefined ? span("–", "quiet") : span(formatLong(need.atBest.ms)),
    limit(need.batchDays),
  ]);
  const room = { columns: screenColumns(options), indent: INDENT };
  const narrow = { columns: proseColumns(options), indent: INDENT };
  const days = needs.some(({ batchDays }) => batchDays !== undefined)
    ? " Batch days are days whose tokens of batches the input takes."
    : "";
  const note = `For ${count(runs, "conversation")}, from sample runs offline. Limits of tokens count the input and the longest answers that are asked for.${days}`;
  return printLines(
    [
      ...table(head, cells, room),
      ...prose(note, { ...narrow, style: "quiet" }),
      [],
      ...prose(verdict(view), narrow),
    ],
    options,
  );
}
