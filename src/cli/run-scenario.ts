/** Runs one scenario for `dramatis run`: opens what it needs, shows it, stops on Ctrl-C, writes the record. */
import { type Dramatis, newConversationId, openDramatis } from "../app.ts";
import { agreedRun } from "../conversation/recorded-run.ts";
import type { ConversationContextInput } from "../conversation/state.ts";
import { ConversationError } from "../domain/conversation-error.ts";
import type { ConversationRecord } from "../domain/record.ts";
import { count } from "../report/figures.ts";
import { jsonText } from "../report/json-text.ts";
import { findScenario } from "../scenario/find-scenario.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { Transport } from "../simulation/plan-checks.ts";
import { type ExplainedPrompt, explainPrompt, type SentPrompt } from "../turn/sent-prompt.ts";
import { exitCodeOf } from "./exit-code.ts";
import { gatewayOptions } from "./gateway-flags.ts";
import { interrupts } from "./interrupts.ts";
import { runFiles } from "./run-files.ts";
import { checkModel, contextOf, modeOf, type RunFlags } from "./run-flags.ts";
import { runJson } from "./run-json.ts";
import { createRunScreen } from "./run-screen.ts";
import { renderSentPrompt } from "./screen/sent-prompt.ts";
import type { Terminal } from "./terminal.ts";
import { inputPath, outputPath } from "./typed-path.ts";

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

/** What is asked for, or chosen; only who asks loads what it takes to choose. */
async function transportOf(scenario: Scenario, flags: RunFlags, terminal: Terminal): Promise<Transport> {
  if (flags.transport === undefined && flags.urgency === undefined) return "network";
  const { transportFor } = await import("./run-transport.ts");
  return await transportFor({
    flags,
    terminal,
    sending: { scenario, conversations: 1, context: contextOf(flags) },
    tell: (why) => flags.json || terminal.writeError(`${why}\n`),
  });
}

/** Runs a scenario as the flags say; returns the exit code. */
export async function runScenario(name: string, flags: RunFlags, terminal: Terminal): Promise<number> {
  const scenario = findScenario(inputPath(name, terminal.env));
  const transport = await transportOf(scenario, flags, terminal);
  if (transport === "batch" || flags.store !== undefined) {
    const { runInStore } = await import("./run-in-store.ts");
    return await runInStore(scenario, { ...flags, transport }, terminal);
  }
  const conversationId = newConversationId(scenario.id, terminal.clock());
  const files = runFiles(conversationId, flags, terminal);
  const recording = flags.record === undefined ? undefined : outputPath(flags.record, terminal.env);
  const dramatis = await openDramatis({
    ...gatewayOptions(flags, terminal),
    offline: flags.offline,
    cache: flags.cache ? await memoryCache(terminal) : undefined,
    record: recording,
    replay: flags.replay === undefined ? undefined : inputPath(flags.replay, terminal.env),
    log: files.log,
  });
  if (flags.model !== undefined) checkModel(flags.model, dramatis.catalog);
  files.prepare();

  const begun = beginning(flags, scenario, dramatis);
  const { seed } = begun;
  const mode = modeOf(flags);
  const isLive = flags.stream !== false && mode === "full" && terminal.size !== undefined;
  const context = { ...begun.context, stream: isLive };
  const isOfflineAsked = flags.offline === true;
  const screen = createRunScreen({ scenario, dramatis, context, seed, terminal, mode, isOfflineAsked });
  screen.open();
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
  const kept = files.write(record);
  const written = [...kept.files, ...(recording === undefined ? [] : [recording])];
  const unused = dramatis.replaying?.unused ?? 0;
  if (unused > 0 && record.status !== "failed" && record.status !== "interrupted") {
    screen.note(`The recording goes on: ${count(unused, "exchange")} of it did not come up.`);
  }
  const prompt = sent && (await explainPrompt(sent));
  if (flags.json) {
    const explained = flags.explainPrompt === undefined ? {} : { prompt: prompt ?? null };
    terminal.write(`${jsonText({ ...runJson(record, dramatis.offline?.bill, written), ...explained })}\n`);
  } else screen.end(record, written);
  if (flags.explainPrompt !== undefined) showPrompt(prompt, flags, terminal);
  if (broken !== undefined) throw broken;
  const problem = kept.problem ?? dramatis.recording?.problem;
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
