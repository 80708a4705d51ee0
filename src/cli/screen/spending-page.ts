/** An organization's costs or usage as a page for a browser: one file, without scripts and without anything from elsewhere. */
import { type Bar, type Chart, seriesOf, withFewParts } from "../../organization/chart.ts";
import { plainLine } from "../../report/plain-text.ts";
import {
  barTitle,
  legendOf,
  periodText,
  type SpendingTable,
  type SpendingView,
  stepText,
} from "./spending-view.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Names come from outside: nothing in them is markup, and nothing reorders what stands around them. */
const escaped = (text: string): string => plainLine(text).replace(/[&<>"']/g, (char) => ENTITIES[char] ?? "");

/** Told apart also by those who see fewer colours (Okabe and Ito, https://jfly.uni-koeln.de/color/); the last is the rest's. */
const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8a800", "#8a8a8a"];
const REST = "all others";

const WIDTH = 960;
const HEIGHT = 300;
const TITLES_HEIGHT = 24;
/** Between bars, as a share of their width. */
const GAP = 0.15;
/** So many bars have their times written below them. */
const MOST_TITLES = 8;

const colourOf = (index: number) => COLOURS[index % COLOURS.length] ?? "#8a8a8a";
const round = (value: number) => Math.round(value * 100) / 100;
const lengthOf = ({ parts }: Bar) => [...parts.values()].reduce((sum, value) => sum + Math.max(0, value), 0);

function barRects(
  bar: Bar,
  names: readonly string[],
  place: { x: number; width: number; perUnit: number },
): string {
  const { x, width, perUnit } = place;
  let top = HEIGHT;
  return names
    .map((name, index) => {
      const height = Math.max(0, bar.parts.get(name) ?? 0) * perUnit;
      top -= height;
      if (height === 0) return "";
      return `<rect x="${round(x)}" y="${round(top)}" width="${round(width)}" height="${round(height)}" fill="${colourOf(index)}"/>`;
    })
    .join("");
}

function svg(chart: Chart, view: SpendingView): string {
  const names = seriesOf(chart).map(({ name }) => name);
  const longest = Math.max(...chart.bars.map(lengthOf));
  const step = WIDTH / Math.max(1, chart.bars.length);
  const perUnit = longest === 0 ? 0 : HEIGHT / longest;
  const every = Math.ceil(chart.bars.length / MOST_TITLES);
  const bars = chart.bars.map((bar, index) => {
    const values = [...bar.parts.values()];
    const texts = view.texts([...values, values.reduce((sum, value) => sum + value, 0)]);
    const parts = [...bar.parts.keys()].map((name, place) => `${name}: ${texts[place]}`);
    const when = barTitle(chart, bar.startsAt);
    const title = escaped([`${when}: ${texts.at(-1)}`, ...parts].join("; "));
    const x = index * step;
    const rects = barRects(bar, names, { x: x + (step * GAP) / 2, width: step * (1 - GAP), perUnit });
    const hit = `<rect x="${round(x)}" y="0" width="${round(step)}" height="${HEIGHT}" fill="none" pointer-events="all"/>`;
    const below =
      index % every === 0
        ? `<text x="${round(x)}" y="${HEIGHT + TITLES_HEIGHT - 8}">${escaped(when)}</text>`
        : "";
    return `<g><title>${title}</title>${rects}${hit}</g>${below}`;
  });
  // What the height stands for.
  const top = `<text x="0" y="-6">${escaped(view.texts([longest])[0] ?? "")}</text><line x1="0" y1="0" x2="${WIDTH}" y2="0"/>`;
  const label = escaped(`${view.title}, ${stepText(chart)}; the figures are in the tables below`);
  return `<svg viewBox="0 ${-TITLES_HEIGHT} ${WIDTH} ${HEIGHT + 2 * TITLES_HEIGHT}" role="img" aria-label="${label}">${top}<line x1="0" y1="${HEIGHT}" x2="${WIDTH}" y2="${HEIGHT}"/>\n${bars.join("\n")}\n</svg>`;
}

function legend(chart: Chart, view: SpendingView): string {
  const items = legendOf(chart, view).map(({ name, amount, share }, index) => {
    const figure = share === undefined ? amount : `${amount} (${share})`;
    return `<li><span style="background:${colourOf(index)}"></span>${escaped(name)} ${escaped(figure)}</li>`;
  });
  return `<ul>${items.join("")}</ul>`;
}

function tableOf({ title, head, rows }: SpendingTable): string {
  const cellOf = (tag: "td" | "th", text: string, index: number) =>
    `<${tag}${head[index]?.isFigure ? ' class="figure"' : ""}>${escaped(text)}</${tag}>`;
  const body = rows.map((row, index) => {
    if (row === "rule") return "";
    const isSum = rows[index - 1] === "rule";
    return `<tr${isSum ? ' class="sum"' : ""}>${row.map((text, column) => cellOf("td", text, column)).join("")}</tr>`;
  });
  const titles = head.map(({ title }, index) => cellOf("th", title, index)).join("");
  return `<h2>${escaped(title)}</h2>\n<div><table><thead><tr>${titles}</tr></thead><tbody>\n${body.filter((row) => row !== "").join("\n")}\n</tbody></table></div>`;
}

/** Every bar's figures, for whoever cannot see or hover. */
function barsTable(chart: Chart, view: SpendingView): SpendingTable {
  const shown = chart.bars.filter(({ parts }) => parts.size > 0);
  const names = seriesOf(chart).map(({ name }) => name);
  const columns = [
    ...names.map((name) => view.texts(shown.map(({ parts }) => parts.get(name) ?? 0))),
    view.texts(shown.map(({ parts }) => [...parts.values()].reduce((sum, value) => sum + value, 0))),
  ];
  return {
    title: `Over time, ${view.unit}`,
    head: [{ title: "begins (UTC)" }, ...[...names, "all"].map((title) => ({ title, isFigure: true }))],
    rows: shown.map(({ startsAt }, index) => [
      barTitle(chart, startsAt),
      ...columns.map((texts) => texts[index] ?? ""),
    ]),
  };
}

const STYLE = `:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:960px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{margin:.3rem 0}svg{width:100%;height:auto;margin-top:1rem}
svg line{stroke:currentColor;stroke-opacity:.3}svg text{font-size:12px;fill:currentColor}svg g:hover rect[fill^="#"]{opacity:.75}
ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem}li span{display:inline-block;width:.8em;height:.8em;margin-right:.4em}
div{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{padding:.15rem 1rem .15rem 0;text-align:left}th{font-weight:600;border-bottom:1px solid #8888}
.figure{text-align:right}.sum td{border-top:1px solid #8888;font-weight:600}`;

export function spendingPage(view: SpendingView): string {
  const chart = withFewParts(view.chart, COLOURS.length, REST);
  const isEmpty = chart.bars.every(({ parts }) => parts.size === 0);
  const what = isEmpty ? "" : `; ${view.unit}, ${stepText(chart)}`;
  const figures = isEmpty ? "<p>Nothing in that time.</p>" : `${svg(chart, view)}\n${legend(chart, view)}`;
  const tables = [...view.tables, ...(isEmpty ? [] : [barsTable(chart, view)])];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(view.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(view.title)}</h1>
<p>${escaped(`${view.host}; ${periodText(view)}${what}`)}</p>
${figures}
${view.notes.map((note) => `<p>${escaped(note)}</p>`).join("\n")}
${tables.map(tableOf).join("\n")}
</body>
</html>
`;
}
