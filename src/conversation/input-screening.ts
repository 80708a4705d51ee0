/**
 * Screens what comes into a conversation from outside, at its doors: before it is in the state, so that no checkpoint holds
 * what is blocked or removed, and before anything is paid.
 */
import { type BaseMessage, type BaseMessageLike, coerceMessageLikeToMessage } from "@langchain/core/messages";
import { Command, type CompiledGraph, isCommand, type LangGraphRunnableConfig } from "@langchain/langgraph";
import { DramatisError } from "../domain/errors.ts";
import type { Notice, Screening } from "../domain/screening.ts";
import { checkLengths, describeLength } from "../guard/lengths.ts";
import { screenText, secretFound } from "../guard/screening.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { screeningOf } from "./settings.ts";
import { conversationContext } from "./state.ts";

/** One text from outside and what people are told it is. */
interface Entry {
  place: string;
  text: string;
}

/** Values for a state that nobody has checked yet. */
interface Incoming {
  messages?: unknown;
  topic?: unknown;
  opening?: unknown;
}

/**
 * The input as it may enter: odd characters gone, secrets treated as the policy says, with the notices of it.
 * @throws DramatisError `secret-found` or `too-long`, which say where and what kind, never what.
 */
function screenInput<V extends object>(input: V, screening: Screening): { input: V; notices: Notice[] } {
  const { messages, topic, opening }: Incoming = input;
  const list = messages === undefined ? [] : [messages].flat();
  const said = list.map((message) => coerceMessageLikeToMessage(message as BaseMessageLike));
  const words = Object.entries({ topic, opening }).flatMap(([place, text]) =>
    typeof text === "string" ? [{ place, text }] : [],
  );
  checkInputLengths(
    [...said.map(({ text }, index) => ({ place: messagePlace(index), text })), ...words],
    screening,
  );

  const notices: Notice[] = [];
  const screen = (place: string) => (text: string) => {
    const screened = screenText(text, { place, secrets: screening.secrets });
    if (screened.blocked !== undefined) throw secretFound(place, screened.blocked);
    notices.push(...screened.notices);
    return screened.text;
  };
  const screened = said.map((message, index) => withText(message, screen(messagePlace(index))));
  const plain = words.map(({ place, text }) => [place, screen(place)(text)]);
  if (notices.length === 0) return { input, notices };
  const messagesIn = list.length > 0 ? { messages: screened } : {};
  return { input: { ...input, ...messagesIn, ...Object.fromEntries(plain) }, notices };
}

const messagePlace = (index: number) => `human input, message ${index + 1}`;

function checkInputLengths(entries: readonly Entry[], screening: Screening): void {
  const problem = checkLengths(
    entries.map(({ text }) => text),
    screening,
  );
  if (problem === undefined) return;
  const { index } = problem;
  const place = index === undefined ? "the whole input" : entries[index]?.place;
  const setting = index === undefined ? "maxRequestCharacters" : "maxMessageCharacters";
  throw new DramatisError(
    "too-long",
    `Input refused (${place}): ${describeLength(problem)}. Nothing was sent. Shorten it, or raise screening.${setting}.`,
  );
}

/** The message with its texts changed; itself when nothing did. */
function withText(message: BaseMessage, change: (text: string) => string): BaseMessage {
  const { content } = message;
  const changed =
    typeof content === "string"
      ? change(content)
      : content.map((block) =>
          "text" in block && typeof block.text === "string" ? { ...block, text: change(block.text) } : block,
        );
  if (typeof content === "string" && changed === content) return message;
  const { id, name } = message;
  const Message = message.constructor as new (fields: object) => BaseMessage;
  return new Message({ ...message.lc_kwargs, id, name, content: changed });
}

/** Screens values that go straight into the state, and adds the notices of it to them. */
function screenUpdate<V extends object>(values: V, screening: Screening): V {
  const { input, notices } = screenInput(values, screening);
  return notices.length === 0 ? values : { ...input, notices };
}

/** Screens a command's update, which may be pairs, like any input. */
function screenCommand(command: Command, screening: Screening): Command {
  const { update } = command;
  if (typeof update !== "object" || update === null) return command;
  const values = Array.isArray(update) ? Object.fromEntries(update) : update;
  return new Command({ ...command, update: screenUpdate(values, screening) as never });
}

/** Where notices of an input wait for the moderator: outsiders may not write them, so they are no part of the input. */
const WAITING = "__dramatis_notices";

/** The notices of this run's input; the first who asks gets them. */
export function takeNotices({ configurable }: LangGraphRunnableConfig): Notice[] {
  const waiting: Notice[] = configurable?.[WAITING] ?? [];
  return waiting.splice(0);
}

/** What is known of a run's context before its nodes read it; one that is not valid they will refuse. */
function contextIn(options: LangGraphRunnableConfig | undefined) {
  return conversationContext.safeParse(options?.context ?? {}).data;
}

/** A run that is stricter than its scenario was loaded. */
function checkScenario({ notices }: Scenario, { secrets }: Screening): void {
  const sent = notices.find(({ action }) => action === "sent");
  if (secrets === "block" && sent !== undefined) throw secretFound(sent.place, sent.kind);
}

/** What of a compiled graph leads into its state; `invoke`, `streamEvents` and `updateState` come through these. */
type Doors = Pick<CompiledGraph<string>, "stream" | "bulkUpdateState">;

/** Puts the screening before every way into a graph. */
export function withScreening<G extends Doors>(graph: G, scenario: Scenario): G {
  const stream = graph.stream.bind(graph);
  const update = graph.bulkUpdateState.bind(graph);
  graph.stream = (async (input, options) => {
    const screening = screeningOf(scenario, contextIn(options as LangGraphRunnableConfig));
    checkScenario(scenario, screening);
    if (isCommand(input)) return await stream(screenCommand(input as Command, screening) as never, options);
    if (input === null || typeof input !== "object") return await stream(input, options);
    const { input: screened, notices } = screenInput(input, screening);
    if (notices.length === 0) return await stream(input, options);
    const configurable = { ...options?.configurable, [WAITING]: notices };
    return await stream(screened, { ...options, configurable } as typeof options);
  }) as typeof graph.stream;
  graph.bulkUpdateState = async (config, steps) => {
    const screening = screeningOf(scenario, contextIn(config as LangGraphRunnableConfig));
    const screened = steps.map(({ updates }) => ({
      updates: updates.map(({ values, ...rest }) => ({
        ...rest,
        values: values && typeof values === "object" ? screenUpdate(values, screening) : values,
      })),
    }));
    return await update(config, screened);
  };
  return graph;
}
