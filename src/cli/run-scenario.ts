/** Runs one scenario for `dramatis run`: opens what it needs, shows it, stops on Ctrl-C, writes the record. */
import { join } from "node:path";
import { type Dramatis, newConversationId, openDramatis } from "../app.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { agreedRun } from "../conversation/recorded-run.ts";
import type { ConversationContextInput } from "../conversation/state.ts";
import { ConversationError } from "../domain/conversation-error.ts";
import { DramatisError } from "../domain/errors.ts";
import type { ConversationRecord } from "../domain/record.ts";
import type { Complexity, Strategy } from "../domain/scenario.ts";
import { count } from "../report/figures.ts";
import { jsonText } from "../report/json-text.ts";
import { findScenario } from "../scenario/find-scenario.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { type ExplainedPrompt, explainPrompt, type SentPrompt } from "../turn/sent-prompt.ts";
import { exitCodeOf } from "./exit-code.ts";
import { type GatewayFlags, gatewayOptions } from "./gateway-flags.ts";
import { interrupts } from "./interrupts.ts";
import { prepareFolder, prepareLog, writeRecord } from "./record-files.ts";
import { runJson } from "./run-json.ts";
import { createRunScreen } from "./run-screen.ts";
import { renderSentPrompt } from "./screen/sent-prompt.ts";
import type { Terminal } from "./terminal.ts";
import { inputPath, outputPath } from "./typed-path.ts";

export interface RunFlags extends GatewayFlags {
  seed?: number;
  turns?: number;
  model?: string;
  complexity?: Complexity;
  maxCost?: number;
  context?: Strategy;
  tier?: ConversationContextInput["tier"];
  tierFallback?: ConversationContextInput["tierFallback"];
  explainPrompt?: number;
  out?: string;
  json?: boolean;
  quiet?: boolean;
  /** False with --no-stream. */
  stream?: boolean;
  offline?: boolean;
  log?: string;
  logPrompts?: boolean;
  cache?: boolean;
  record?: string;
  replay?: string;
}

/** Where records go when no folder is named. */
const DEFAULT_FOLDER = "dramatis-out";
/** Failed attempts, beside the record unless --log says otherwise; made with the first of them. */
const LOG_FILE = "attempts.jsonl";
export function contextOf({
  turns,
  model,
  complexity,
  maxCost,
  context,
  tier,
  tierFallback,
}: RunFlags): ConversationContextInput {
  return {
    ...(turns === undefined ? {} : { maxTurns: turns }),
    ...(model === undefined ? {} : { models: { "*": model } }),
    ...(complexity === undefined ? {} : { complexity }),
    ...(maxCost === undefined ? {} : { budget: { maxCostUsd: maxCost } }),
    ...(context === undefined ? {} : { context: { strategy: context } }),
    ...(tier === undefined ? {} : { tier }),
    ...(tierFallback === undefined ? {} : { tierFallback }),
  };
}

/** The catalog's own words, and which flags they are about. */
export function checkModel(id: string, catalog: Catalog): void {
  try {
    catalog.model(id);
  } catch (cause) {
    if (!(cause instanceof DramatisError)) throw cause;
    const message = `--model: ${cause.message}. Models of your own come from the file that --catalog names.`;
    throw new DramatisError(cause.code, message, { cause });
  }
}

/** A cache of this process; its library is loaded by those alone who want one. */
async function memoryCache({ clock }: Terminal) {
  const { createMemoryCache } = await import("../model/memory-cache.ts");
  return createMemoryCache({ clock });
}

/** The seed and the context as the flags say, or as they were when what is replayed was recorded. */
function beginning(
  flags: RunFlags,
  scenario: Scenario,
  { replaying }: Dramatis,
): { seed: number; context: ConversationContextInput } {
  const asked = flags.seed === undefined ? {} : { seed: flags.seed };
  const recorded = replaying?.runs[0];
  const { input, context } =
    replaying === undefined || recorded === undefined
      ? { input: asked, context: contextOf(flags) }
      : agreedRun(
          recorded,
          { scenario: scenario.id, input: asked, context: contextOf(flags) },
          replaying.file,
        );
  return { seed: input.seed ?? scenario.seed ?? Math.floor(Math.random() * 2 ** 31), context };
}

/** Runs a scenario as the flags say; returns the exit code. */
export async function runScenario(name: string, flags: RunFlags, terminal: Terminal): Promise<number> {
  const scenario = findScenario(inputPath(name, terminal.env));
  const conversationId = newConversationId(scenario.id, terminal.clock());
  const folder = outputPath(flags.out ?? join(DEFAULT_FOLDER, conversationId), terminal.env);
  const logFile = flags.log === undefined ? join(folder, LOG_FILE) : outputPath(flags.log, terminal.env);
  let isLogLost = false;
  const recording = flags.record === undefined ? undefined : outputPath(flags.record, terminal.env);
  const dramatis = await openDramatis({
    ...gatewayOptions(flags, terminal),
    offline: flags.offline,
    cache: flags.cache ? await memoryCache(terminal) : undefined,
    record: recording,
    replay: flags.replay === undefined ? undefined : inputPath(flags.replay, terminal.env),
    log: {
      file: logFile,
      withPrompts: flags.logPrompts,
      onLost: (error) => {
        isLogLost = true;
        terminal.writeError(`The log cannot be written: ${String(error)}\n`);
      },
    },
  });
  if (flags.model !== undefined) checkModel(flags.model, dramatis.catalog);
  prepareFolder(folder);
  if (flags.log !== undefined) prepareLog(logFile);

  const begun = beginning(flags, scenario, dramatis);
  const { seed } = begun;
  const mode = modeOf(flags);
  const isLive = flags.stream !== false && mode === "full" && terminal.size !== undefined;
  const context = { ...begun.context, stream: isLive };
  const isOfflineAsked = flags.offline === true;
  const screen = createRunScreen({ scenario, dramatis, context, seed, terminal, mode, isOfflineAsked });
  screen.open();
  if (dramatis.limitsProblem !== undefined)
    screen.note(`The project's limits could not be read: ${dramatis.limitsProblem}`);
  const stop = interrupts(terminal, () =>
    screen.note("Stopping after this turn. Press Ctrl-C again to stop at once."),
  );
  let record: ConversationRecord;
  let broken: ConversationError | undefined;
  let sent: SentPrompt | undefined;
  try {
    record = await dramatis.run(scenario, {
      conversationId,
      context,
      input: { seed },
      stopSignal: stop.afterTurn,
      signal: stop.atOnce,
      onEvent: screen.show,
      onPrompt:
        flags.explainPrompt === undefined
          ? undefined
          : (prompt) => {
              if (prompt.turn === flags.explainPrompt) sent = prompt;
            },
    });
  } catch (error) {
    if (!(error instanceof ConversationError)) throw error;
    broken = error;
    record = error.record;
  } finally {
    stop.dispose();
    screen.close();
  }
  const written = writeRecord(record, folder);
  const isLogged = record.attempts.length > 0 && !isLogLost;
  const files = [
    ...written.files,
    ...(isLogged ? [logFile] : []),
    ...(recording === undefined ? [] : [recording]),
  ];
  const unused = dramatis.replaying?.unused ?? 0;
  if (unused > 0 && record.status !== "failed" && record.status !== "interrupted") {
    screen.note(`The recording goes on: ${count(unused, "exchange")} of it did not come up.`);
  }
  const prompt = sent && (await explainPrompt(sent));
  if (flags.json) {
    const explained = flags.explainPrompt === undefined ? {} : { prompt: prompt ?? null };
    terminal.write(`${jsonText({ ...runJson(record, dramatis.offline?.bill, files), ...explained })}\n`);
  } else screen.end(record, files);
  if (flags.explainPrompt !== undefined) showPrompt(prompt, flags, terminal);
  if (broken !== undefined) throw broken;
  const problem = written.problem ?? dramatis.recording?.problem;
  if (problem !== undefined) throw problem;
  return exitCodeOf[record.status];
}

function showPrompt(prompt: ExplainedPrompt | undefined, flags: RunFlags, terminal: Terminal): void {
  if (prompt === undefined) {
    terminal.writeError(`--explain-prompt: nothing was sent for turn ${flags.explainPrompt}.\n`);
  } else if (!flags.json) {
    terminal.write(`\n${renderSentPrompt(prompt, terminal.screen).join("\n")}\n`);
  }
}

const modeOf = ({ json, quiet }: RunFlags) => (json ? "json" : quiet ? "quiet" : "full");
