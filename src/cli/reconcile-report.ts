/** What `dramatis reconcile` does: reads both sides, compares them, and shows what agrees and what does not. */
import { loadCatalog } from "../catalog/catalog.ts";
import { type Reconciliation, reconcileLedger } from "../organization/reconcile.ts";
import { jsonWithNulls } from "../report/json-text.ts";
import { adminAccess } from "./admin-access.ts";
import { EXIT } from "./exit-code.ts";
import { type Moment, typedPeriod } from "./moment.ts";
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
}

const WEEK_MS = 7 * 86_400_000;

const iso = (time: number) => new Date(time).toISOString();

const jsonOf = ({ rows, charged, ...result }: Reconciliation, head: object) => ({
  ...head,
  ...result,
  since: iso(result.since),
  until: iso(result.until),
  rows: rows.map(({ day, places, ...row }) => ({
    day: iso(day),
    ...row,
    places: places?.map(({ at, ...place }) => ({ at: iso(at), ...place })),
  })),
  charged: charged.map(({ day, ...row }) => ({ day: iso(day), ...row })),
});

/** Returns the exit code: 1 where something differs that nothing explains. */
export async function reportReconciliation(flags: ReconcileFlags, terminal: Terminal): Promise<number> {
  const { env, clock } = terminal;
  const now = clock();
  const period = typedPeriod(flags, WEEK_MS, now);
  const access = adminAccess(terminal);
  const catalog = loadCatalog(catalogPath(flags.catalog, env));
  const own = env.OPENAI_PROJECT_ID?.trim();
  const part = { projects: flags.project ?? (own ? [own] : undefined), apiKeys: flags.key };
  const interrupt = new AbortController();
  const dispose = terminal.onInterrupt(() => interrupt.abort());
  const { signal } = interrupt;
  try {
    return await withStore(await openAsItIs(flags.store, terminal), async (store) => {
      const result = await reconcileLedger({ ...access, ...period, ...part, store, catalog, clock, signal });
      const head = {
        report: "reconciliation",
        host: new URL(access.baseUrl).host,
        store: store.place,
        ...part,
      };
      if (flags.json) terminal.write(`${jsonWithNulls(jsonOf(result, head))}\n`);
      else {
        const command = (words: string) => shownCommand(words, { env, store: undefined });
        const ownCommand = (words: string) => shownCommand(words, { env, store: flags.store });
        const lines = renderReconciliation(
          { result, ...head, now, command, ownCommand },
          tableScreen(terminal),
        );
        terminal.write(`${lines.join("\n")}\n`);
      }
      return result.isExplained ? EXIT.done : EXIT.userError;
    });
  } catch (error) {
    if (!signal.aborted) throw error;
    return EXIT.interrupted;
  } finally {
    dispose();
  }
}
