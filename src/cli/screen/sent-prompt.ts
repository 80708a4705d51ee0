/** What `dramatis run --explain-prompt` shows: every part of what was sent for a turn, its tokens, what was cached. */
import { count, formatTokens } from "../../report/figures.ts";
import type { ExplainedPrompt, ExplainedRequest } from "../../turn/sent-prompt.ts";
import { gap, type Line, printLines, prose, proseColumns, type ScreenOptions, span } from "./line.ts";
import { table } from "./table.ts";

const INDENT = 2;

/** Where a part is told of only by its size, since it was shown with the request before. */
const isShownBefore = (index: number, before: ExplainedRequest | undefined) =>
  before !== undefined && index < before.parts.length;

function totalLine({ tokens, reportedTokens, cachedTokens }: ExplainedRequest, room: number): Line[] {
  const reported =
    reportedTokens === undefined
      ? "the provider reported nothing"
      : `the provider reported ${formatTokens(reportedTokens)}, ${formatTokens(cachedTokens ?? 0)} of them cached`;
  return prose(`${count(tokens, "token")} counted, 3 for the reply among them; ${reported}.`, {
    columns: room,
    indent: INDENT,
  });
}

export function renderSentPrompt(explained: ExplainedPrompt, options: ScreenOptions): string[] {
  const columns = proseColumns(options);
  const room = { columns, indent: INDENT };
  const { turn, persona, model, requests } = explained;
  const title = `What was sent for turn ${turn}: ${persona}, ${model}, ${count(requests.length, "request")}`;
  const lines: Line[] = [[span(title, "strong")]];
  for (const [number, request] of requests.entries()) {
    const before = requests[number - 1];
    const head = [
      { title: "part" },
      { title: "tokens", align: "right" as const },
      { title: "cached", align: "right" as const },
    ];
    const rows = request.parts.map(({ part, tokens, cachedTokens }) => [
      span(part),
      span(formatTokens(tokens)),
      span(formatTokens(cachedTokens)),
    ]);
    lines.push([], [gap(INDENT), span(`request ${number + 1}`, "strong")], ...table(head, rows, room));
    lines.push(...totalLine(request, columns));
    for (const [index, { part, text }] of request.parts.entries()) {
      if (isShownBefore(index, before)) continue;
      lines.push([], [gap(INDENT), span(part, "quiet")], ...prose(text, { columns, indent: 2 * INDENT }));
    }
  }
  return printLines(lines, options);
}
