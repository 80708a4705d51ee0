/** Shows a conversation as it goes on: header, turns, a progress line, the end; or, with `--quiet`, the end only. */
import type { Dramatis } from "../app.ts";
import { rateComplexity } from "../conversation/complexity.ts";
import { limitOf } from "../conversation/endings.ts";
import { chooseModel } from "../conversation/persona-node.ts";
import type { ConversationEvent } from "../conversation/run.ts";
import { type ConversationContextInput, conversationContext } from "../conversation/state.ts";
import type { ConversationRecord } from "../domain/record.ts";
import { addSubtotals, emptySubtotal } from "../ledger/totals.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { renderFailure, renderHeader, renderRemark, renderTurn } from "./screen/conversation.ts";
import { renderEnding } from "./screen/ending.ts";
import { renderProgress } from "./screen/progress.ts";
import type { Terminal } from "./terminal.ts";

export interface RunScreenParts {
  scenario: Scenario;
  dramatis: Dramatis;
  context: ConversationContextInput;
  seed: number;
  terminal: Terminal;
  mode: "full" | "quiet" | "json";
}

export interface RunScreen {
  open(): void;
  show(event: ConversationEvent): void;
  /** A sentence to the user that is no part of the result. */
  note(text: string): void;
  close(): void;
  end(record: ConversationRecord, files: readonly string[]): void;
}

/** Back to the first column and erase the line. */
const ERASE_LINE = "\r\u001b[K";

export function createRunScreen({
  scenario,
  dramatis,
  context,
  seed,
  terminal,
  mode,
}: RunScreenParts): RunScreen {
  const { screen } = terminal;
  const cast = scenario.cast.map(({ id, name, role }) => ({ id, name, role }));
  const maxCostUsd = context.budget?.maxCostUsd ?? scenario.budget?.maxCostUsd;
  const maxTurns = context.maxTurns ?? limitOf("maxTurns", scenario.endings);
  const hasProgress = terminal.hasProgress && mode !== "json";
  const offlineReason = terminal.env.OPENAI_API_KEY ? "as asked" : "no OPENAI_API_KEY";
  let spent = emptySubtotal();
  let turns = 0;

  const print = (lines: readonly string[]) => terminal.write(`${lines.join("\n")}\n`);
  const erase = () => hasProgress && terminal.writeError(ERASE_LINE);

  function progress(activity: string) {
    if (!hasProgress) return;
    const capNanoUsd = maxCostUsd === undefined ? undefined : maxCostUsd * 1e9;
    terminal.writeError(renderProgress({ turns, maxTurns, cost: spent, capNanoUsd, activity }, screen));
  }

  /** The models the personas begin with. */
  function models(): string[] {
    const settings = conversationContext.parse(context);
    const set = settings.complexity ?? scenario.complexity;
    const level = set === "auto" ? rateComplexity(scenario.topic, []).level : set;
    const ids = scenario.cast.map(
      (persona) => chooseModel({ scenario, persona, gateway: dramatis.gateway }, settings, level).id,
    );
    return [...new Set(ids)];
  }

  return {
    open() {
      if (mode !== "full") {
        if (dramatis.host === undefined) terminal.writeError(`${offlineNote(models(), offlineReason)}\n`);
        return;
      }
      const transport =
        dramatis.host === undefined
          ? { kind: "offline" as const, pricedAs: models(), why: offlineReason }
          : { kind: "network" as const, host: dramatis.host };
      print(renderHeader({ title: scenario.title, topic: scenario.topic, cast, seed, transport }, screen));
      print(renderRemark({ afterTurn: 0, speaker: "host", message: scenario.opening }, cast, screen));
    },
    show(event) {
      erase();
      if (event.type === "choice") {
        progress(`${cast.find(({ id }) => id === event.choice.speaker)?.name ?? ""} is speaking`);
        return;
      }
      const spoken = event.type === "turn" ? event.turn : event.failure;
      turns = spoken.turn;
      // A repaired failure's requests are counted again in its turn.
      if (event.type === "turn" || event.failure.outcome !== "repaired")
        spent = addSubtotals(spent, spoken.usage);
      if (mode !== "full") return;
      print(
        event.type === "turn"
          ? renderTurn(event.turn, cast, screen)
          : renderFailure(event.failure, cast, screen),
      );
    },
    note(text) {
      erase();
      terminal.writeError(`${text}\n`);
    },
    close() {
      erase();
    },
    end(record, files) {
      print(renderEnding({ record, files }, screen));
    },
  };
}

const offlineNote = (models: readonly string[], why: string) =>
  `Offline (${why}): answers are generated, costs are figured at the prices of ${models.join(", ")}.`;
