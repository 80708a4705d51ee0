/**
 * The offline answer generator: reads one request and writes what the persona in it would plausibly say. It keeps
 * nothing between requests, so the same request always gets the same reply.
 */
import type { Answer } from "../../domain/answer.ts";
import { hash32, randomShare } from "../../domain/random.ts";
import type { ChatRequest, GeneratedReply, Generator, ToolOnWire } from "../protocol.ts";
import { type Agenda, readAgenda } from "./agenda.ts";
import { answerOf } from "./answer.ts";
import { compose } from "./compose.ts";
import { type Ideas, instanceOf, type Schema, schemaIn } from "./json-schema.ts";
import { asksForMinutes, minutesOf } from "./minutes.ts";
import { type Draw, decideMove, type Move, wantsSearch } from "./move.ts";
import { nextSpeaker } from "./next-speaker.ts";
import { capitalise } from "./prose.ts";
import { isSearchTool, searchArguments } from "./search-call.ts";
import { readSituation, type Situation, textOf } from "./situation.ts";

/** One request as it was understood; the answer is written only when something asks for it. */
interface Reading {
  request: ChatRequest;
  situation: Situation;
  agenda: Agenda;
  move: Move;
  draw: Draw;
  answer(): Answer;
}

function read(request: ChatRequest): Reading {
  const situation = readSituation(request);
  const agenda = readAgenda(situation.topic, situation.cast);
  const { seed, self, turn, topic, transcript } = situation;
  const key = hash32(
    seed,
    self.id,
    turn,
    topic.slice(0, 2000),
    transcript.length,
    transcript.at(-1)?.text.slice(0, 2000) ?? "",
  );
  const draw: Draw = (name) => randomShare(key, name);
  const move = decideMove(situation, agenda, draw);
  let written: Answer | undefined;
  const answer = () => {
    written ??= answerOf(situation, move, compose({ situation, agenda, move, draw }), draw);
    return written;
  };
  return { request, situation, agenda, move, draw, answer };
}

/** Names of string properties that hold a whole statement, a reason, or a few words. */
const STATEMENT =
  /message|answer|text|content|reply|response|summary|statement|comment|description|verdict|conclusion|output/i;
const REASON = /reason|why|rationale|explanation|justification|because|thinking|evidence/i;
const PERSON = /speaker|person|participant|author|who|name|owner/i;

/** What this request suggests for the properties of any schema. */
function ideasFrom(reading: Reading): Ideas {
  const { situation, agenda, draw, request } = reading;
  const told = request.messages
    .filter(({ role }) => role === "system" || role === "developer")
    .map(textOf)
    .join("\n");
  const ids = new Set([
    ...situation.cast.map(({ id }) => id),
    ...situation.transcript.map(({ speaker }) => speaker),
  ]);
  const listed = /Candidates: ([^\n]+?)\.?\s*$/m.exec(told)?.[1]?.split(", ");
  let chosen: ReturnType<typeof nextSpeaker>;
  const terms = agenda.terms;

  return {
    draw,
    value(name, schema) {
      const options = Array.isArray(schema.enum)
        ? schema.enum.filter((value) => typeof value === "string")
        : [];
      const isChoiceOfPeople =
        name !== "addressedTo" && options.length > 0 && options.every((option) => ids.has(option));
      if (isChoiceOfPeople) {
        const among = options.filter((option) => listed === undefined || listed.includes(option));
        chosen = nextSpeaker(situation, agenda, among.length > 0 ? among : options, told);
        return chosen?.speaker;
      }
      if (chosen !== undefined && REASON.test(name)) return chosen.reason;
      // Only an answer's own fields, and only where the schema asks for one of them: a message is costly to write.
      return ANSWER_FIELDS.has(name) ? reading.answer()[name as keyof Answer] : undefined;
    },
    text(name, description) {
      if (STATEMENT.test(name)) return reading.answer().message;
      if (REASON.test(name)) return chosen?.reason ?? reading.answer().reasoning;
      if (PERSON.test(name))
        return situation.cast[Math.floor(draw(name) * situation.cast.length)]?.name ?? "Somebody";
      const term = terms[Math.floor(draw(`${name} ${description}`) * terms.length)];
      return capitalise(term?.text ?? "The topic");
    },
  };
}

const ANSWER_FIELDS: ReadonlySet<string> = new Set<keyof Answer>([
  "message",
  "confidence",
  "reasoning",
  "relevantExpertise",
  "emotions",
  "addressedTo",
  "citations",
  "wantsToConclude",
]);

const isAnswerTool = ({ function: { parameters } }: ToolOnWire) =>
  "message" in ((parameters?.properties ?? {}) as object);

/** The function to call, or undefined to answer in the content. */
function toolToCall({ request, situation, move, draw }: Reading): ToolOnWire | undefined {
  const { tools = [], tool_choice: choice = "auto" } = request;
  if (choice === "none" || tools.length === 0) return undefined;
  if (typeof choice === "object") return tools.find((tool) => tool.function.name === choice.function.name);
  const search = tools.find(isSearchTool);
  const answer = tools.find(isAnswerTool);
  const maySearch = search !== undefined && situation.toolResults.length === 0;
  if (maySearch && wantsSearch(situation, move, draw)) return search;
  if (choice === "required") return answer ?? search ?? tools[0];
  return request.response_format === undefined ? answer : undefined;
}

function call(tool: ToolOnWire, reading: Reading): GeneratedReply {
  const { situation, agenda, move } = reading;
  const { name, parameters = { type: "object" } } = tool.function;
  const ideas = ideasFrom(reading);
  const args = isSearchTool(tool)
    ? searchArguments(tool, situation, agenda, move, ideas)
    : JSON.stringify(instanceOf(parameters, ideas));
  return { kind: "tool-calls", calls: [{ name, arguments: args }] };
}

function contentFor(reading: Reading): string {
  const { request } = reading;
  const format = request.response_format ?? { type: "text" };
  const written = (schema: Schema) => JSON.stringify(instanceOf(schema, ideasFrom(reading)));
  switch (format.type) {
    case "json_schema":
      return written(format.json_schema.schema);
    case "json_object": {
      // Whoever writes the schema into the prompt does it in what the system says, or in the last request.
      const told = request.messages.filter(({ role }) => role !== "tool" && role !== "assistant").map(textOf);
      const schema = told
        .reverse()
        .map(schemaIn)
        .find((found) => found !== undefined);
      return schema === undefined ? JSON.stringify({ message: reading.answer().message }) : written(schema);
    }
    case "text":
      return reading.answer().message;
  }
}

/** Never throws on a valid request; always answers in the form the request demands. */
export const generateReply: Generator = (request) => {
  if (asksForMinutes(request)) return { kind: "content", content: minutesOf(request) };
  const reading = read(request);
  const tool = toolToCall(reading);
  return tool === undefined ? { kind: "content", content: contentFor(reading) } : call(tool, reading);
};
