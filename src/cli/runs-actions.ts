/** What `dramatis runs`, `show`, `status`, `cancel` and `delete` do. Each returns the exit code. */
import { DramatisError } from "../domain/errors.ts";
import { formatUsd } from "../domain/money.ts";
import { cancelSimulation, deleteSimulation } from "../fleet/run-ends.ts";
import { wait } from "../model/wait.ts";
import { count } from "../report/figures.ts";
import { jsonText } from "../report/json-text.ts";
import { plainLine } from "../report/plain-text.ts";
import { type Happening, timeline } from "../report/timeline.ts";
import { type ConversationStatus, recordOf } from "../store/conversations.ts";
import { find } from "../store/find.ts";
import {
  type ConversationProgress,
  conversationsOf,
  openCount,
  type Progress,
  progressOf,
  progressOfEach,
  workersOf,
} from "../store/progress.ts";
import { listRuns, runOf, type StoredRun } from "../store/runs.ts";
import type { Store } from "../store/store.ts";
import { tierFiguresOf } from "../store/tier-figures.ts";
import { EXIT } from "./exit-code.ts";
import { conversationJson, runJson, tiersJson } from "./run-rows.ts";
import { openExistingStore, withStore } from "./run-store.ts";
import { createRunWatch } from "./run-watch.ts";
import { type Cast, renderFailure, renderRemark, renderTurn } from "./screen/conversation.ts";
import { renderEnding } from "./screen/ending.ts";
import { renderConversations, renderRunSummary, renderRuns, stateText } from "./screen/runs.ts";
import { messageFor, passwordNote, shownCommand, shownFor } from "./shown-command.ts";
import { type Terminal, tableScreen } from "./terminal.ts";
import { exitCode, nextSteps } from "./work-on-run.ts";

export interface StoreFlags {
  store?: string;
  json?: boolean;
}

export interface ListFlags extends StoreFlags {
  limit: number;
  status?: ConversationStatus;
}

const MOST_RUNS = 10_000;
const LOOK_MS = 1000;

const print = (terminal: Terminal, lines: readonly string[]) => terminal.write(`${lines.join("\n")}\n`);

async function rowsOf(store: Store, runs: readonly StoredRun[]) {
  const progress = await progressOfEach(
    store.sql,
    runs.map(({ id }) => id),
  );
  return runs.flatMap((run) => {
    const known = progress.get(run.id);
    return known === undefined ? [] : [{ run, progress: known }];
  });
}

/** Where nothing was ever run there is nothing to list, and nothing wrong: then why there is no store. */
async function openedOrNone(flags: StoreFlags, terminal: Terminal): Promise<Store | DramatisError> {
  try {
    return await openExistingStore(flags.store, terminal);
  } catch (error) {
    if (error instanceof DramatisError && error.code === "unknown-name") return error;
    throw error;
  }
}

/** `dramatis runs`. */
export async function listAll(flags: ListFlags, terminal: Terminal): Promise<number> {
  const opened = await openedOrNone(flags, terminal);
  if (opened instanceof DramatisError) {
    terminal.write(flags.json ? "[]\n" : `${messageFor(opened, shownFor(flags, terminal))}\n`);
    return EXIT.done;
  }
  return await withStore(opened, async (store) => {
    const rows = await rowsOf(store, await listRuns(store.sql, flags.limit));
    if (flags.json) terminal.write(`${jsonText(rows.map(({ run, progress }) => runJson(run, progress)))}\n`);
    else if (rows.length === 0) terminal.write(`There is no run in ${store.place} yet.\n`);
    else print(terminal, renderRuns(rows, tableScreen(terminal)));
    return EXIT.done;
  });
}

/** `dramatis show <id>`. */
export async function show(id: string, flags: ListFlags, terminal: Terminal): Promise<number> {
  return await withStore(await openExistingStore(flags.store, terminal), async (store) => {
    const found = await find(store.sql, id);
    if (found.kind === "run") await showRun(store, found.run, { flags, terminal });
    else await showConversation(store, found.conversation, { flags, terminal });
    return EXIT.done;
  });
}

interface Shown {
  flags: ListFlags;
  terminal: Terminal;
}

async function showRun(store: Store, run: StoredRun, { flags, terminal }: Shown): Promise<void> {
  const { limit, status, json } = flags;
  const progress = await progressOf(store.sql, run.id);
  const rows = await conversationsOf(store.sql, run.id, { limit, status });
  const tiers = await tierFiguresOf(store.sql, run.id);
  if (json) {
    terminal.write(
      `${jsonText({ ...runJson(run, progress), ...tiersJson(tiers), list: rows.map(conversationJson) })}\n`,
    );
    return;
  }
  if (rows.length > 0) print(terminal, renderConversations(rows, tableScreen(terminal)));
  const all = status === undefined ? run.conversations : (progress.byStatus[status] ?? 0);
  if (all > rows.length)
    terminal.write(`  … and ${count(all - rows.length, "more conversation")}: --limit ${all}\n`);
  const shown = shownFor(flags, terminal);
  const one = rows.find((row) => row.status !== "waiting");
  const next = [
    ...nextSteps(run, progress, shown).filter(({ what }) => what !== "look further"),
    ...(one === undefined ? [] : [{ what: "read one", command: shownCommand(`show ${one.id}`, shown) }]),
  ];
  const view = { run, progress, tiers, next, note: passwordNote(shown) };
  print(terminal, ["", ...renderRunSummary(view, terminal.screen)]);
}

async function showConversation(
  store: Store,
  row: ConversationProgress,
  { flags, terminal }: Shown,
): Promise<void> {
  const record = await recordOf(store.sql, row.id);
  const { screen } = terminal;
  if (flags.json) {
    terminal.write(`${jsonText(record ?? { ...conversationJson(row), record: null })}\n`);
    return;
  }
  if (record === undefined) {
    const cost = `${count(row.turns, "turn")}, ${count(row.requests, "request")}, ${formatUsd(row.costNanoUsd)}`;
    const why =
      row.ending === undefined
        ? `${cost} up to now. There is no transcript before it has ended.`
        : `it could not begin. ${plainLine(row.ending.evidence)}`;
    terminal.write(`${row.id} of run ${row.runId}: ${stateText(row)}; ${why}\n`);
    return;
  }
  const cast = record.participants;
  const said = timeline(record).flatMap((happening) => lines(happening, cast, screen));
  print(terminal, [...said, ...renderEnding({ record, files: [] }, screen)]);
}

function lines(happening: Happening, cast: Cast, screen: Terminal["screen"]): string[] {
  switch (happening.kind) {
    case "turn":
      return renderTurn(happening.turn, cast, screen);
    case "failure":
      return renderFailure(happening.failure, cast, screen);
    case "remark":
      return renderRemark(happening.remark, cast, screen);
  }
}

/** `dramatis status [run]`. */
export async function status(
  id: string | undefined,
  flags: StoreFlags & { watch?: boolean },
  terminal: Terminal,
): Promise<number> {
  return await withStore(await openExistingStore(flags.store, terminal), async (store) => {
    if (id === undefined && !flags.watch) return await statusOfAll(store, flags, terminal);
    const run = id === undefined ? await newestOpen(store) : await runOf(store.sql, id);
    if (run === undefined) {
      terminal.write("No run is under way or waits.\n");
      return EXIT.done;
    }
    const progress = flags.watch ? await watchRun(store, run, terminal) : await progressOf(store.sql, run.id);
    if (progress === undefined) return EXIT.interrupted;
    if (flags.json) {
      const workers = await workersOf(store.sql, run.id);
      terminal.write(`${jsonText({ ...runJson(run, progress), workers })}\n`);
    } else {
      const shown = shownFor(flags, terminal);
      const view = { run, progress, next: nextSteps(run, progress, shown), note: passwordNote(shown) };
      print(terminal, renderRunSummary(view, terminal.screen));
      for (const { worker, conversations } of await workersOf(store.sql, run.id))
        terminal.write(`  ${count(conversations, "conversation")} under way at ${worker}\n`);
    }
    return flags.watch ? exitCode(progress) : EXIT.done;
  });
}

async function openRows(store: Store) {
  const rows = await rowsOf(store, await listRuns(store.sql, MOST_RUNS));
  return rows.filter(({ progress }) => openCount(progress) > 0);
}

const newestOpen = async (store: Store): Promise<StoredRun | undefined> => (await openRows(store))[0]?.run;

async function statusOfAll(store: Store, flags: StoreFlags, terminal: Terminal): Promise<number> {
  const rows = await openRows(store);
  if (flags.json) terminal.write(`${jsonText(rows.map(({ run, progress }) => runJson(run, progress)))}\n`);
  else if (rows.length === 0) terminal.write("No run is under way or waits.\n");
  else print(terminal, renderRuns(rows, tableScreen(terminal)));
  return EXIT.done;
}

/** Until the run is over; undefined: Ctrl-C was pressed. Others do the work. */
async function watchRun(store: Store, run: StoredRun, terminal: Terminal): Promise<Progress | undefined> {
  const watch = createRunWatch({ run, terminal, isQuiet: false });
  const stopped = new AbortController();
  const dispose = terminal.onInterrupt(() => stopped.abort());
  try {
    for (;;) {
      const progress = await progressOf(store.sql, run.id);
      watch.show(progress);
      if (openCount(progress) === 0) return progress;
      if (stopped.signal.aborted) return undefined;
      await wait(LOOK_MS, stopped.signal).catch(() => undefined);
    }
  } finally {
    dispose();
    watch.close();
  }
}

/** `dramatis cancel <run>`. */
export async function cancel(id: string, flags: StoreFlags, terminal: Terminal): Promise<number> {
  return await withStore(await openExistingStore(flags.store, terminal), async (store) => {
    await runOf(store.sql, id);
    const progress = await progressOf(store.sql, id);
    const { waiting = 0, running = 0, parked = 0 } = progress.byStatus;
    const isOver = openCount(progress) === 0;
    if (!isOver) await cancelSimulation(store, id);
    if (flags.json) {
      terminal.write(`${jsonText(runJson(await runOf(store.sql, id), await progressOf(store.sql, id)))}\n`);
      return EXIT.done;
    }
    if (isOver) {
      terminal.write(`The run ${id} is over; there is nothing to cancel.\n`);
      return EXIT.done;
    }
    const what = [
      ...(waiting > 0 ? [`${count(waiting, "conversation")} will not be begun or go on`] : []),
      ...(running > 0 ? [`${running} under way end after their turn`] : []),
      ...(parked > 0 ? [`${count(parked, "conversation")} in a batch will end once that is over`] : []),
    ];
    terminal.write(`Cancelled ${id}: ${what.join(", ")}.\n`);
    if (parked > 0 && store.engine === "pglite") {
      const next = shownCommand("worker --drain", shownFor(flags, terminal));
      terminal.write(
        `Nobody works here now. To have its batches cancelled, and what they hold counted: ${next}\n`,
      );
    }
    return EXIT.done;
  });
}

/** `dramatis delete <run>`. */
export async function remove(
  id: string,
  flags: StoreFlags & { yes?: boolean },
  terminal: Terminal,
): Promise<number> {
  return await withStore(await openExistingStore(flags.store, terminal), async (store) => {
    const run = await runOf(store.sql, id);
    const progress = await progressOf(store.sql, id);
    const what = `${count(run.conversations, "conversation")} with ${count(progress.turns, "turn")}, ${formatUsd(progress.costNanoUsd)} spent`;
    if (!flags.yes) {
      const { running = 0, parked = 0 } = progress.byStatus;
      const under =
        running + parked === 0 ? "" : `; ${running + parked} of them are under way and would be lost`;
      const shown = shownFor(flags, terminal);
      const lines = [
        `This deletes the run ${id}: ${what}${under}. To do it: ${shownCommand(`delete ${id} --yes`, shown)}`,
        passwordNote(shown),
      ];
      terminal.writeError(lines.map((line) => (line === undefined ? "" : `${line}\n`)).join(""));
      return EXIT.userError;
    }
    await deleteSimulation(store, id);
    const { json } = flags;
    terminal.write(json ? `${jsonText(runJson(run, progress))}\n` : `Deleted ${id}: ${what}.\n`);
    return EXIT.done;
  });
}
