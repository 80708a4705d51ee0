/** What `dramatis reconcile` does: reads both sides, compares them, and shows what agrees and what does not. */
import { loadCatalog } from "../catalog/catalog.ts";
import { DramatisError } from "../domain/errors.ts";
import { usdText } from "../domain/money.ts";
import { type Reconciliation, reconcileLedger, type TracedRow } from "../organization/reconcile.ts";
import type { Column } from "../report/columns.ts";
import { csvHead, csvLine } from "../report/csv.ts";
import { jsonText } from "../report/json-text.ts";
import { adminAccess } from "./admin-access.ts";
import { EXIT } from "./exit-code.ts";
import type { Moment } from "./moment.ts";
import { openAsItIs, withStore } from "./run-store.ts";
import { renderReconciliation } from "./screen/reconciliation.ts";
import { shownCommand } from "./shown-command.ts";
import { type Terminal, tableScreen } from "./terminal.ts";
import { catalogPath } from "./typed-path.ts";

export interface ReconcileFlags {
  since?: Moment;
  until?: Moment;
  store?: string;
  project?: readonly string[];
  key?: readonly string[];
  catalog?: string;
  json?: boolean;
  csv?: boolean;
}

const WEEK_MS = 7 * 86_400_000;

const refuse = (message: string) => new DramatisError("invalid-argument", message);
const iso = (time: number) => new Date(time).toISOString();

/** Below 0 too. */
const dollars = (nano: number | undefined) =>
  nano === undefined ? undefined : `${nano < 0 ? "-" : ""}${usdText(Math.abs(nano))}`;

const SIDES = ["ledger", "provider", "difference"] as const;
const AMOUNTS = [
  ["requests", "requests"],
  ["input_tokens", "inputTokens"],
  ["cached_input_tokens", "cachedInputTokens"],
  ["output_tokens", "outputTokens"],
  ["cost_nano_usd", "costNanoUsd"],
] as const;

const COLUMNS: readonly Column<TracedRow>[] = [
  { name: "day", kind: "time", of: ({ day }) => iso(day).slice(0, 10) },
  { name: "model", kind: "text", of: ({ model }) => model },
  { name: "tier", kind: "text", of: ({ tier }) => tier },
  { name: "verdict", kind: "text", of: ({ verdict }) => verdict },
  ...SIDES.flatMap((side) =>
    AMOUNTS.map(
      ([name, amount]): Column<TracedRow> => ({
        name: `${side}_${name}`,
        kind: "integer",
        of: (row) => row[side][amount],
      }),
    ),
  ),
  { name: "difference_usd", kind: "number", of: ({ difference }) => dollars(difference.costNanoUsd) },
  { name: "lost_requests", kind: "integer", of: ({ lost }) => lost.requests },
  { name: "lost_bound_nano_usd", kind: "integer", of: ({ lost }) => lost.boundNanoUsd },
];

/** What is unknown is null: a key that is missing is easily overlooked. */
const withNulls = (value: unknown): unknown => {
  if (value === undefined) return null;
  if (Array.isArray(value)) return value.map(withNulls);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withNulls(one)]));
};

const jsonOf = (result: Reconciliation, head: object) =>
  withNulls({
    ...head,
    ...result,
    since: iso(result.since),
    until: iso(result.until),
    rows: result.rows.map(({ day, places, ...row }) => ({
      day: iso(day),
      ...row,
      places: places?.map(({ at, ...place }) => ({ at: iso(at), ...place })),
    })),
    charged: result.charged.map(({ day, ...row }) => ({ day: iso(day), ...row })),
  });

/** Returns the exit code: 1 where something differs that nothing explains. */
export async function reportReconciliation(flags: ReconcileFlags, terminal: Terminal): Promise<number> {
  if (flags.json && flags.csv) throw refuse("Expected --json or --csv, got both.");
  const now = terminal.clock();
  const until = flags.until?.(now) ?? now;
  const since = flags.since?.(now) ?? until - WEEK_MS;
  if (since < 0 || since >= until)
    throw refuse(`Expected --since before --until, got ${iso(Math.max(0, since))} and ${iso(until)}.`);
  const access = adminAccess(terminal);
  const catalog = loadCatalog(catalogPath(flags.catalog, terminal.env));
  const own = terminal.env.OPENAI_PROJECT_ID?.trim();
  const projects = flags.project ?? (own ? [own] : undefined);
  const apiKeys = flags.key;
  const interrupt = new AbortController();
  const dispose = terminal.onInterrupt(() => interrupt.abort());
  const options = { ...access, since, until, projects, apiKeys, catalog, clock: terminal.clock };
  const { host } = new URL(access.baseUrl);
  try {
    return await withStore(await openAsItIs(flags.store, terminal), async (store) => {
      const result = await reconcileLedger({ ...options, store, signal: interrupt.signal });
      const head = { report: "reconciliation", host, store: store.place, projects, apiKeys };
      if (flags.json) terminal.write(`${jsonText(jsonOf(result, head))}\n`);
      else if (flags.csv) {
        const lines = result.rows.map((row) => csvLine(COLUMNS, row, { hasFormulaGuard: true }));
        terminal.write(csvHead(COLUMNS) + lines.join(""));
      } else {
        const shownFor = { env: terminal.env, store: flags.store };
        const view = {
          result,
          ...head,
          now,
          ownCommand: (words: string) => shownCommand(words, shownFor),
          command: (words: string) => shownCommand(words, { ...shownFor, store: undefined }),
        };
        terminal.write(`${renderReconciliation(view, tableScreen(terminal)).join("\n")}\n`);
      }
      return result.isExplained ? EXIT.done : EXIT.userError;
    });
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    return EXIT.interrupted;
  } finally {
    dispose();
  }
}
