/** A small cast, topic and shelf of passages, and a stage on which whole conversations are generated. */
import { z } from "zod";
import { type Answer, answerSchema } from "../../../src/domain/answer.ts";
import { type Persona, personaSchema } from "../../../src/domain/persona.ts";
import type { Layout } from "../../../src/domain/scenario.ts";
import { generateReply } from "../../../src/offline/generator/generator.ts";
import type { ChatMessage, ChatRequest, GeneratedReply, ToolOnWire } from "../../../src/offline/protocol.ts";
import { buildPrompt, type Utterance } from "../../../src/turn/prompt.ts";

export const TOPIC = [
  "A ferry company on a small island has money for one change before the summer. The winter timetable loses 300",
  "passengers a week to the bridge bus. Should the company buy a quieter ferry, the new ticket system, or the",
  "heated waiting room with a small kiosk? Who tells the regular passengers? Which figure would change your mind?",
].join("\n");

const KINDS = ["analytical", "creative", "pragmatic", "empathetic", "skeptical", "visionary"] as const;
const PEOPLE = [
  ["mara-lind", "Mara Lind", "harbour accountant", "fare statistics", "route planning"],
  ["teo-brandt", "Teo Brandt", "sign painter", "signage", "poster design"],
  ["ida-moss", "Ida Moss", "chief mate", "deck operations", "winter crews"],
  ["noor-salim", "Noor Salim", "district nurse", "visiting the elderly", "first aid"],
  ["karl-weiss", "Karl Weiss", "retired auditor", "public procurement", "annual accounts"],
  ["lea-fontaine", "Lea Fontaine", "marine engineer", "electric engines", "harbour power"],
] as const;
const STYLES = [
  "Chooses each word and stays polite.",
  "Talks in pictures.",
  "Short sentences.",
  "Gentle; asks before telling.",
  "Dry jokes, then a figure.",
  "Warm and quick.",
];

export const CAST: Persona[] = PEOPLE.map(([id, name, role, ...expertise], index) =>
  personaSchema.parse({
    id,
    name,
    role,
    background: `${name.split(" ")[0]}, 4${index}, grew up beside the old pier and repaired nets for two winters.`,
    personality: {
      kind: KINDS[index],
      traits: ["steady"],
      communicationStyle: STYLES[index],
      bigFive: {
        openness: 0.5,
        conscientiousness: 0.5,
        extraversion: 0.2 + 0.1 * index,
        agreeableness: 0.25 + 0.1 * index,
        neuroticism: 0.5,
      },
    },
    expertise,
    goals: ["leave with one decision"],
    beliefs: [`Nobody on this island forgets crossing number ${index + 7}.`],
    privateNotes: [
      `You owe the harbour master ${index + 2} crates of marmalade and hide the zeppelin receipts.`,
    ],
  }),
);

export const PASSAGES = [
  {
    id: "waiting#1",
    title: "Why people take the bus",
    category: "business",
    score: 3.1,
    text: "Two in five former passengers named the cold waiting room first. Fares were named by one in ten passengers.",
  },
  {
    id: "noise#2",
    title: "Noise on deck",
    category: "technical",
    score: 2.4,
    text: "The present ferry reaches 84 decibels at the stern. A quieter ferry would halve the complaints of the village.",
  },
  {
    id: "tickets#1",
    title: "Tickets and queues",
    category: "technical",
    score: 1.9,
    text: "Queues at the counter last four minutes on Saturdays. The new ticket system cut queues to one minute in a trial.",
  },
];

export const SEARCH_TOOL: ToolOnWire = {
  type: "function",
  function: {
    name: "search_knowledge_base",
    parameters: {
      type: "object",
      properties: {
        query: { type: "string" },
        category: { anyOf: [{ type: "string", enum: ["business", "technical"] }, { type: "null" }] },
      },
      required: ["query", "category"],
      additionalProperties: false,
    },
    strict: true,
  },
};

const idsOf = (cast: readonly Persona[]) => cast.map(({ id }) => id) as [string, ...string[]];
export const schemaFor = (cast: readonly Persona[]) => answerSchema(idsOf(cast));
export const answerFormat = (cast: readonly Persona[]): ChatRequest["response_format"] => ({
  type: "json_schema",
  json_schema: {
    name: "answer",
    schema: z.toJSONSchema(schemaFor(cast)) as Record<string, unknown>,
    strict: true,
  },
});

export interface TurnSettings {
  cast?: readonly Persona[];
  topic?: string;
  persona: Persona;
  transcript: readonly Utterance[];
  turn: number;
  maxTurns?: number | undefined;
  seed?: number;
  tools?: ToolOnWire[];
  layout?: Layout;
}

/** The request of one turn, as it is on the wire. */
export function turnRequest(settings: TurnSettings): ChatRequest {
  const {
    cast = CAST,
    topic = TOPIC,
    persona,
    transcript,
    turn,
    maxTurns,
    seed = 1,
    tools,
    layout,
  } = settings;
  const roles: Record<string, ChatMessage["role"]> = { system: "system", ai: "assistant" };
  const messages = buildPrompt({
    topic,
    cast,
    persona,
    categories: [],
    transcript,
    turn,
    maxTurns,
    layout,
  }).map(
    (message): ChatMessage => ({
      role: roles[message.getType()] ?? "user",
      content: String(message.content),
      ...(message.name === undefined ? {} : { name: message.name }),
    }),
  );
  const format = answerFormat(cast);
  return {
    model: "gpt-4.1-nano",
    messages,
    seed,
    ...(format === undefined ? {} : { response_format: format }),
    ...(tools === undefined ? {} : { tools }),
  };
}

export const contentOf = (reply: GeneratedReply): string => {
  if (reply.kind !== "content") throw new Error(`expected content, got ${reply.kind}`);
  return reply.content;
};

/** The same request after the tool answered. */
export function withToolResult(request: ChatRequest, reply: GeneratedReply, content: string): ChatRequest {
  if (reply.kind !== "tool-calls") throw new Error(`expected tool calls, got ${reply.kind}`);
  const calls = reply.calls.map((call, index) => ({
    id: `call_${index}`,
    type: "function" as const,
    function: call,
  }));
  return {
    ...request,
    messages: [
      ...request.messages,
      { role: "assistant", content: null, tool_calls: calls },
      ...calls.map(({ id }): ChatMessage => ({ role: "tool", tool_call_id: id, content })),
    ],
  };
}

export interface PlayedTurn {
  persona: Persona;
  previous: Persona | undefined;
  answer: Answer;
  searched: boolean;
}

/** A whole conversation: whoever is addressed speaks next, else the one after. Searches find every passage. */
export function play(
  turns: number,
  options: { seed?: number; cast?: Persona[]; topic?: string; maxTurns?: number } = {},
): PlayedTurn[] {
  const { seed = 1, cast = CAST, topic = TOPIC, maxTurns = turns } = options;
  const transcript: Utterance[] = [
    { speaker: "host", message: "Welcome to the harbour office. Who begins?" },
  ];
  const schema = schemaFor(cast);
  const played: PlayedTurn[] = [];
  let at = 0;
  for (let turn = 1; turn <= turns; turn++) {
    const persona = cast[at % cast.length] as Persona;
    const request = turnRequest({
      cast,
      topic,
      persona,
      transcript,
      turn,
      maxTurns,
      seed,
      tools: [SEARCH_TOOL],
    });
    const first = generateReply(request);
    const searched = first.kind === "tool-calls";
    const shelf = JSON.stringify({ passages: PASSAGES });
    const reply = searched ? generateReply(withToolResult(request, first, shelf)) : first;
    const answer = schema.parse(JSON.parse(contentOf(reply)));
    played.push({ persona, previous: played.at(-1)?.persona, answer, searched });
    transcript.push({ speaker: persona.id, message: answer.message, citations: answer.citations });
    const next = cast.findIndex(({ id }) => id === answer.addressedTo);
    at = next === -1 ? at + 1 : next;
  }
  return played;
}

/** Sentences as a reader tells them apart: case and punctuation do not count. */
export function sentencesIn(message: string): string[] {
  return message
    .replace(/([.!?]["')]*)\s+(?=["'(]?[\p{Lu}\d])/gu, "$1\n")
    .split("\n")
    .map((sentence) =>
      sentence
        .toLowerCase()
        .replace(/[^\p{L}\d]+/gu, " ")
        .trim(),
    )
    .filter((sentence) => sentence !== "");
}
