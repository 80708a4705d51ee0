/** Shows a conversation as it goes on: header, turns, a progress line, the end; or, with `--quiet`, the end only. */
import type { Dramatis } from "../app.ts";
import { rateComplexity } from "../conversation/complexity.ts";
import type { ConversationEvent, TokenEvent } from "../conversation/events.ts";
import { settingsOf } from "../conversation/settings.ts";
import { chooseModel } from "../conversation/speaker-model.ts";
import { type ConversationContextInput, conversationContext } from "../conversation/state.ts";
import type { Attempt } from "../domain/attempt.ts";
import { nanoUsd } from "../domain/money.ts";
import type { ConversationRecord } from "../domain/record.ts";
import type { ComplexityLevel } from "../domain/scenario.ts";
import type { Rating } from "../domain/turn.ts";
import { addSubtotals, emptySubtotal } from "../ledger/totals.ts";
import { plainText } from "../report/plain-text.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { KeySource } from "../vault/find-key.ts";
import { unreadLimits } from "./found-limits.ts";
import {
  type HeaderView,
  renderFailure,
  renderHeader,
  renderRating,
  renderRemark,
  renderSpeaker,
  renderTurn,
} from "./screen/conversation.ts";
import { renderEnding } from "./screen/ending.ts";
import { createLiveMessage, type LiveMessage } from "./screen/live-message.ts";
import { renderProgress } from "./screen/progress.ts";
import type { Terminal } from "./terminal.ts";

export interface RunScreenParts {
  scenario: Scenario;
  dramatis: Dramatis;
  context: ConversationContextInput;
  seed: number;
  terminal: Terminal;
  mode: "full" | "quiet" | "json";
  /** That answers are generated because the user wants it so. */
  isOfflineAsked: boolean;
}

export interface RunScreen {
  open(): void;
  show(event: ConversationEvent): void;
  /** What is waited for, in the progress line. */
  waitFor(what: string): void;
  /** A sentence to the user that is no part of the result. */
  note(text: string): void;
  close(): void;
  end(record: ConversationRecord, files: readonly string[]): void;
}

/** Where a key came from, unless that is the usual place. */
const KEY_ORIGINS: Readonly<Record<KeySource, string | undefined>> = {
  "key-file": "key from the file",
  environment: undefined,
  vault: "key from the vault",
};
/** Nobody wonders about a shorter silence. */
const LONG_WAIT_MS = 1_000;
/** Back to the first column and erase the line. */
const ERASE_LINE = "\r\u001b[K";

export function createRunScreen({
  scenario,
  dramatis,
  context,
  seed,
  terminal,
  mode,
  isOfflineAsked,
}: RunScreenParts): RunScreen {
  const { screen } = terminal;
  const cast = scenario.cast.map(({ id, name, role }) => ({ id, name, role }));
  const settings = settingsOf(scenario, conversationContext.parse(context));
  const { maxTurns, maxCostUsd } = settings;
  const hasProgress = terminal.hasProgress && mode !== "json";
  const why = isOfflineAsked ? "as asked" : offlineReason(terminal.env);
  let level: ComplexityLevel | undefined;
  let spent = emptySubtotal();
  let turns = 0;
  let told: string | undefined;
  /** What is being said, and in which attempt. */
  let live: { attempt: number; message: LiveMessage } | undefined;

  const erase = () => hasProgress && terminal.writeError(ERASE_LINE);

  /** In the place of what is being said; written at once, so that nothing flickers. */
  function print(lines: readonly string[]) {
    const cleared = live?.message.clear() ?? "";
    live = undefined;
    terminal.write(`${cleared}${lines.join("\n")}\n`);
  }

  /** Takes away what is being said; it comes back with its next word. */
  function hide() {
    const cleared = live?.message.clear() ?? "";
    if (cleared !== "") terminal.write(cleared);
  }

  function speak({ turn, speaker, text, attempt }: TokenEvent) {
    const { size } = terminal;
    if (size === undefined || mode !== "full") return;
    if (live === undefined) erase();
    let cleared = "";
    if (live?.attempt !== attempt) {
      cleared = live?.message.clear() ?? "";
      const heading = renderSpeaker(turn, speaker, cast, screen);
      live = { attempt, message: createLiveMessage(heading, { screen, size }) };
    }
    const drawn = cleared + live.message.add(text);
    if (drawn !== "") terminal.write(drawn);
  }

  function progress(activity: string) {
    if (!hasProgress) return;
    const capNanoUsd = maxCostUsd === undefined ? undefined : nanoUsd(maxCostUsd);
    terminal.writeError(renderProgress({ turns, maxTurns, cost: spent, capNanoUsd, activity }, screen));
  }

  /** The models the personas begin with. */
  function models(): string[] {
    const { complexity } = settings;
    const first = complexity === "auto" ? rateComplexity(scenario.topic, []).level : complexity;
    const ids = scenario.cast.map(
      (persona) => chooseModel({ scenario, persona, gateway: dramatis.gateway }, settings, first).id,
    );
    return [...new Set(ids)];
  }

  function transport(): HeaderView["transport"] {
    const { host, keySource = "environment", replaying } = dramatis;
    if (replaying !== undefined) return { kind: "replay", file: replaying.file };
    if (host === undefined) return { kind: "offline", pricedAs: models(), why };
    return { kind: "network", host, key: KEY_ORIGINS[keySource] };
  }

  /** Tells of a rating only where it changes. */
  function rated(rating: Rating) {
    if (level !== undefined && level !== rating.level && mode === "full") print(renderRating(rating, screen));
    level = rating.level;
  }

  /** Words of others may be in it. */
  const say = (text: string) => terminal.writeError(`${plainText(text)}\n`);

  /** A notice once, however many turns it holds for; of summaries only those that failed, the others go without saying. */
  function tell(event: Extract<ConversationEvent, { type: "notice" | "summary" }>) {
    const failure = event.type === "summary" ? event.summary.failure : undefined;
    const text =
      event.type === "notice"
        ? event.text
        : failure &&
          `No summary could be made (${failure.kind}): the transcript stays longer. ${failure.detail}`;
    if (text === undefined || text === told || mode === "json") return;
    told = text;
    say(text);
  }

  /** Long waits are told, short ones pass. */
  function wait({ problem, status, waitMs, retryAfterMs }: Attempt) {
    if (waitMs === undefined) return;
    // A limit's pause is kept for all requests together; how long it is to be, only the server's answer says.
    const pauseMs = problem === "rate-limited" ? retryAfterMs : waitMs;
    if (pauseMs !== undefined && pauseMs < LONG_WAIT_MS) return;
    const what = status === undefined ? problem : `${problem}, status ${status}`;
    const when = pauseMs === undefined ? "after a pause" : `in ${(pauseMs / 1000).toFixed(1)} s`;
    const text = `${what}: trying again ${when}`;
    if (hasProgress) progress(text);
    else terminal.writeError(`${text}\n`);
  }

  function note(text: string) {
    hide();
    erase();
    say(text);
  }

  return {
    open() {
      const { title, topic } = scenario;
      if (mode === "full") {
        print(renderHeader({ title, topic, cast, seed, transport: transport() }, screen));
        print(renderRemark({ afterTurn: 0, speaker: "host", message: scenario.opening }, cast, screen));
      } else if (dramatis.transport === "offline") {
        terminal.writeError(`${offlineNote(models(), why)}\n`);
      }
      const unread = unreadLimits(dramatis);
      if (unread !== undefined) note(unread);
    },
    show(event) {
      if (event.type === "token") {
        speak(event);
        return;
      }
      erase();
      if (event.type === "choice") {
        rated(event.complexity);
        progress(`${cast.find(({ id }) => id === event.choice.speaker)?.name ?? ""} is speaking`);
        return;
      }
      if (event.type === "attempt") {
        wait(event.attempt);
        return;
      }
      if (event.type === "notice" || event.type === "summary") {
        tell(event);
        return;
      }
      const spoken = event.type === "turn" ? event.turn : event.failure;
      turns = spoken.turn;
      // A repaired failure's requests are counted again in its turn.
      if (event.type === "turn" || event.failure.outcome !== "repaired")
        spent = addSubtotals(spent, spoken.usage);
      if (mode === "quiet" && event.type === "failure" && event.failure.outcome === "skipped") {
        const { turn, speaker, kind, detail } = event.failure;
        say(`Turn ${turn} of ${speaker} was skipped (${kind}): ${detail}`);
      }
      if (mode !== "full") return;
      print(
        event.type === "turn"
          ? renderTurn(event.turn, cast, screen)
          : renderFailure(event.failure, cast, screen),
      );
    },
    waitFor(what) {
      erase();
      progress(what);
    },
    note,
    close() {
      hide();
      live = undefined;
      erase();
    },
    end(record, files) {
      print(renderEnding({ record, files }, screen));
    },
  };
}

/** Why answers are generated although nobody asked for it. */
function offlineReason({ OPENAI_BASE_URL }: Terminal["env"]): string {
  if (!OPENAI_BASE_URL?.trim()) return "no OPENAI_API_KEY";
  return "no OPENAI_API_KEY, so OPENAI_BASE_URL is ignored: set a key as well, any text for a server that needs none";
}

const offlineNote = (models: readonly string[], why: string) =>
  `Offline (${why}): answers are generated, costs are figured at the prices of ${models.join(", ")}.`;
