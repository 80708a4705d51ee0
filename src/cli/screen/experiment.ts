/** What `dramatis experiment` shows: the arms that are to be compared, and results with their intervals. */
import { formatUsd, nanoUsd } from "../../domain/money.ts";
import type { Levels } from "../../experiment/design.ts";
import type { ExperimentResults } from "../../experiment/read-results.ts";
import { type ArmDifference, isFinished, MEASURES, type Measure } from "../../experiment/results.ts";
import type { Estimate } from "../../experiment/statistics.ts";
import { costColumn, count, formatDuration, formatTokens } from "../../report/figures.ts";
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
} from "./line.ts";
import { type Column, type Row, table } from "./table.ts";

const INDENT = 2;
/** More rows are for a spreadsheet. */
const MOST_ROWS = 24;

export interface ExperimentView {
  id: string;
  title: string;
  description?: string | undefined;
  /** Its id. */
  scenario: string;
  factors: readonly { name: string }[];
  arms: readonly { levels: Levels }[];
  repeats: number;
  seed: number | undefined;
  commonRandomNumbers: boolean;
  maxCostUsd: number | undefined;
}

const right = (title: string, isOptional = false): Column => ({ title, align: "right", isOptional });

/** `dramatis experiment check`. */
export function renderExperiment(view: ExperimentView, options: ScreenOptions): string[] {
  const { factors, arms, repeats, seed, commonRandomNumbers, maxCostUsd } = view;
  const room = { columns: proseColumns(options), indent: INDENT };
  const head: Column[] = [right("arm"), ...factors.map(({ name }): Column => ({ title: name }))];
  const rows = arms.map(({ levels }, index): Span[] => [
    span(String(index + 1), "quiet"),
    ...factors.map(({ name }) => span(levels[name] ?? "")),
  ]);
  const conversations = `${count(arms.length * repeats, "conversation")} of ${view.scenario}: ${count(arms.length, "arm")}, ${count(repeats, "repeat")} of each`;
  const seeds = seed === undefined ? "drawn when it is planned" : `${seed} in the first repeat`;
  const pairs = commonRandomNumbers ? "the same in every arm" : "another in every conversation";
  const budget =
    maxCostUsd === undefined ? "no budget of its own" : `at most ${formatUsd(nanoUsd(maxCostUsd))} for all`;
  return printLines(
    [
      ...prose(view.title, { ...room, style: "strong" }),
      ...(view.description === undefined ? [] : prose(view.description, room)),
      [],
      ...table(head, rows, { columns: screenColumns(options), indent: INDENT }),
      [],
      ...prose(`${conversations}; ${budget}. Seed: ${seeds}, ${pairs}.`, room),
      ...prose("Every arm's scenario is valid.", { ...room, style: "quiet" }),
    ],
    options,
  );
}

const TITLES: Readonly<Record<Measure, string>> = {
  turns: "turns to the end",
  costUsd: "cost in dollars",
  concluding: "turns that want to conclude, share",
  confidence: "mean confidence",
  citationsPerTurn: "citations a turn",
  wordsPerTurn: "words a turn",
  inequality: "inequality of words said (Gini)",
};
const DECIMALS: Readonly<Record<Measure, number>> = {
  turns: 2,
  costUsd: 6,
  concluding: 3,
  confidence: 3,
  citationsPerTurn: 3,
  wordsPerTurn: 2,
  inequality: 3,
};

const show = (measure: Measure, value: number | undefined) => {
  const text = value?.toFixed(DECIMALS[measure]) ?? "–";
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
};
const interval = (measure: Measure, { low, high }: Estimate) =>
  low === undefined ? "–" : `${show(measure, low)} to ${show(measure, high)}`;
const difference = (measure: Measure, { mean }: Estimate) =>
  mean !== undefined && mean > 0 ? `+${show(measure, mean)}` : show(measure, mean);

function rowsTable({ experiment, rows }: ExperimentResults, options: ScreenOptions): Line[] {
  const shown = rows.slice(0, MOST_ROWS);
  const costs = costColumn(shown);
  const head: Column[] = [
    ...experiment.factors.map(({ name }): Column => ({ title: name })),
    right("repeat"),
    right("seed", true),
    { title: "status" },
    right("turns"),
    right("cost", true),
    { title: "ending", isOptional: true },
    right("requests", true),
    right("input", true),
    right("output", true),
    right("time", true),
    { title: "conversation", isOptional: true, isWhole: true },
  ];
  const cells = shown.map((row, index): Span[] => {
    const style = row.status === "failed" ? "failure" : isFinished(row) ? undefined : "quiet";
    const texts = [
      ...experiment.factors.map(({ name }) => row.levels[name] ?? ""),
      String(row.repeat),
      String(row.seed),
      row.status,
      String(row.turns),
      row.requests === 0 ? "–" : (costs[index] ?? ""),
      row.ending ?? "–",
      formatTokens(row.requests),
      formatTokens(row.inputTokens),
      formatTokens(row.outputTokens),
      row.durationMs === undefined ? "–" : (formatDuration(row.durationMs) ?? "–"),
      row.conversation,
    ];
    return texts.map((text) => span(text, style));
  });
  const left = rows.length - shown.length;
  const rest =
    left === 0
      ? []
      : prose(`… and ${count(left, "more row")}: --csv has all`, {
          columns: proseColumns(options),
          indent: INDENT,
          style: "quiet",
        });
  return [...table(head, cells, { columns: screenColumns(options), indent: INDENT }), ...rest];
}

/** Arms are counted, so that each is known where its levels are cut off. */
const label = (levels: Levels, index: number): string => `${index + 1} ${Object.values(levels).join(", ")}`;

function countsTable({ arms }: ExperimentResults, columns: number): Line[] {
  const head: Column[] = [
    { title: "arm" },
    right("finished"),
    right("failed"),
    right("budget", true),
    right("cancelled", true),
    right("open"),
  ];
  const rows: Row[] = arms.map((arm, index) => [
    span(label(arm.levels, index)),
    span(String(arm.finished), "strong"),
    span(String(arm.failed), arm.failed > 0 ? "failure" : undefined),
    span(String(arm.budget)),
    span(String(arm.cancelled)),
    span(String(arm.open)),
  ]);
  return table(head, rows, { columns, indent: INDENT });
}

function measureTable(measure: Measure, { arms, differences }: ExperimentResults, columns: number): Line[] {
  const pairs = new Map(differences?.arms.map((arm): [string, ArmDifference] => [arm.arm, arm]));
  const head: Column[] = [
    { title: TITLES[measure] },
    right("n"),
    right("mean"),
    right("95 % interval", true),
    ...(differences === undefined
      ? []
      : [right("difference"), right("95 % interval", true), right("pairs", true)]),
  ];
  const rows = arms.map(({ arm, levels, estimates }, index): Span[] => {
    const own = estimates[measure];
    const paired = pairs.get(arm)?.estimates[measure];
    const compared =
      paired === undefined
        ? ["", "", ""]
        : [difference(measure, paired), interval(measure, paired), String(paired.n)];
    return [
      span(label(levels, index)),
      span(String(own.n), "quiet"),
      span(show(measure, own.mean), "strong"),
      span(interval(measure, own)),
      ...(differences === undefined ? [] : compared.map((text) => span(text))),
    ];
  });
  return [[], ...table(head, rows, { columns, indent: INDENT })];
}

/** What the summary rests on, in words. */
function restsOn({ arms, differences, rows }: ExperimentResults): string {
  const finished = rows.filter(isFinished).length;
  const out =
    finished === rows.length
      ? "All finished."
      : `${finished} of ${count(rows.length, "conversation")} finished; the others are counted, and left out of all that follows.`;
  const compared =
    differences === undefined
      ? "Seeds differ between arms, so there are no pairs."
      : `Differences are from arm 1, in pairs of the same repeat and seed.`;
  return arms.length === 0 ? out : `${out} ${compared}`;
}

/** `dramatis experiment results`. */
export function renderResults(results: ExperimentResults, options: ScreenOptions): string[] {
  const columns = screenColumns(options);
  const room = { columns: proseColumns(options), indent: INDENT };
  return printLines(
    [
      ...prose(results.experiment.title, { ...room, style: "strong" }),
      [gap(INDENT), span(`run ${results.run}`, "quiet")],
      [],
      ...rowsTable(results, options),
      [],
      ...countsTable(results, columns),
      [],
      ...prose(restsOn(results), room),
      ...MEASURES.flatMap((measure) => measureTable(measure, results, columns)),
    ],
    options,
  );
}
