/** What `dramatis costs` and `dramatis usage` show: bars over time, stacked by name, and sums. */
import { type Bar, type Chart, folded, seriesOf, withFewParts } from "../../organization/chart.ts";
import {
  cut,
  flow,
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
} from "./line.ts";
import {
  barTitle,
  legendOf,
  periodText,
  type SpendingTable,
  type SpendingView,
  stepText,
} from "./spending-view.ts";
import { type Column, type Row, table } from "./table.ts";

const INDENT = 2;
/** Three months of days. */
const MOST_BARS = 93;
/** What parts are told apart by where there are no colours; the last one is the rest. */
const FILLS = ["█", "▓", "▒", "░", "▚", "■", "=", "·"];
const REST = "all others";
const NAME_COLUMNS = 40;
const SHORTEST_BAR = 8;

const fillOf = (index: number) => FILLS[index % FILLS.length] ?? "█";
const positive = (value: number) => Math.max(0, value);
const totalOf = ({ parts }: Bar) => [...parts.values()].reduce((sum, value) => sum + value, 0);
const lengthOf = ({ parts }: Bar) => [...parts.values()].reduce((sum, value) => sum + positive(value), 0);

/** The parts of a bar, side by side: each ends where the sum so far does, so that the whole has the right length. */
function barSpans(bar: Bar, names: readonly string[], perCell: number): Span[] {
  let sum = 0;
  let drawn = 0;
  return names.flatMap((name, index) => {
    sum += positive(bar.parts.get(name) ?? 0);
    // What is there at all is seen.
    const end = sum === 0 ? 0 : Math.max(1, Math.round(sum / perCell));
    const cells = end - drawn;
    drawn = end;
    return cells === 0 ? [] : [{ text: fillOf(index).repeat(cells), style: { speaker: index } }];
  });
}

function chartLines(chart: Chart, view: SpendingView, columns: number): Line[] {
  const names = seriesOf(chart).map(({ name }) => name);
  const titles = chart.bars.map(({ startsAt }) => span(barTitle(chart, startsAt), "quiet"));
  const amounts = view.texts(chart.bars.map(totalOf));
  const titleColumns = Math.max(0, ...titles.map((title) => widthOf([title])));
  const amountColumns = Math.max(0, ...amounts.map((text) => text.length));
  const room = Math.max(SHORTEST_BAR, columns - INDENT - titleColumns - amountColumns - 4);
  const longest = Math.max(...chart.bars.map(lengthOf));
  return chart.bars.map((bar, index) => {
    const spans = barSpans(bar, names, longest / room);
    const amount = amounts[index] ?? "";
    return [
      gap(INDENT),
      titles[index] ?? span(""),
      gap(2),
      ...spans,
      gap(room - widthOf(spans) + 2 + amountColumns - amount.length),
      span(amount, bar.parts.size === 0 ? "quiet" : undefined),
    ];
  });
}

function legend(chart: Chart, view: SpendingView, columns: number): Line[] {
  const items = legendOf(chart, view).map(
    ({ name, amount, share }, index): Line => [
      { text: fillOf(index), style: { speaker: index } },
      gap(1),
      span(cut(span(name).text, NAME_COLUMNS)),
      gap(1),
      span(share === undefined ? amount : `${amount} ${share}`, "quiet"),
    ],
  );
  return flow(items, { columns, indent: INDENT });
}

function tableLines({ title, head, rows }: SpendingTable, columns: number): Line[] {
  const columnsOf = head.map(
    ({ title, isFigure, isOptional = false }): Column => ({
      title,
      isOptional,
      align: isFigure ? "right" : "left",
    }),
  );
  const cells = rows.map((row): Row => (row === "rule" ? row : row.map((text) => span(text))));
  return [[gap(INDENT), span(title, "strong")], ...table(columnsOf, cells, { columns, indent: INDENT })];
}

export function renderSpending(view: SpendingView, options: ScreenOptions): string[] {
  const columns = screenColumns(options);
  const room = { columns: proseColumns(options), indent: INDENT };
  const chart = withFewParts(folded(view.chart, MOST_BARS), FILLS.length, REST);
  const isEmpty = chart.bars.every(({ parts }) => parts.size === 0);
  const what = isEmpty ? "" : `; ${view.unit}, ${stepText(chart)}`;
  return printLines(
    [
      [gap(INDENT), span(view.title, "strong"), gap(2), span(view.host, "quiet")],
      ...prose(`${periodText(view)}${what}`, { ...room, style: "quiet" }),
      [],
      ...(isEmpty
        ? prose("Nothing in that time.", room)
        : [...chartLines(chart, view, columns), [], ...legend(chart, view, columns)]),
      ...view.tables.flatMap((one) => [[], ...tableLines(one, columns)]),
      ...(view.notes.length === 0 ? [] : [[]]),
      ...view.notes.flatMap((note) => prose(note, { ...room, style: "quiet" })),
    ],
    options,
  );
}
