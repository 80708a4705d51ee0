/** One client in a process of its own: so many turns, as a Dramatis conversation or as a plain loop over the SDK. */

import { OpenAIClient } from "@langchain/openai";
import { z } from "zod";
import { loadCatalog } from "../src/catalog/catalog.ts";
import { createConversation } from "../src/conversation/graph.ts";
import { answerSchema } from "../src/domain/answer.ts";
import { createGateway } from "../src/model/gateway.ts";
import { loadScenario } from "../src/scenario/scenario.ts";
import { shippedFolder } from "../src/scenario/shipped-folder.ts";
import { ownLines, sharedHead } from "../src/turn/prompt.ts";

export interface Measured {
  turns: number;
  cpuMsPerTurn: number;
  peakRssMb: number;
  heapGrowthMb: number;
}

const MODEL = "gpt-4.1-mini";
const scenario = loadScenario(`${shippedFolder("scenarios")}/product-roundtable.yaml`);

async function graphConversation(url: string, turns: number): Promise<void> {
  const gateway = createGateway({ catalog: loadCatalog(), apiKey: "offline", baseUrl: `${url}/v1` });
  const endless = { ...scenario, endings: [{ maxTurns: turns }], budget: { maxCostUsd: 1000 } };
  const graph = createConversation(endless, { gateway });
  const { turns: taken } = await graph.invoke({}, { context: { models: { "*": MODEL } } });
  if (taken.length !== turns) throw new Error(`expected ${turns} turns, got ${taken.length}`);
}

/** What one would write by hand: the same prompts and the same schema, an array of messages, no graph, no record. */
async function plainLoop(url: string, turns: number): Promise<void> {
  const client = new OpenAIClient({ apiKey: "offline", baseURL: `${url}/v1` });
  const { cast, topic } = scenario;
  const head = sharedHead({ topic, cast, categories: [] });
  const schema = z.toJSONSchema(answerSchema(cast.map(({ id }) => id) as [string, ...string[]]));
  const said: { name: string; content: string }[] = [];
  for (let turn = 1; turn <= turns; turn++) {
    const persona = cast[turn % cast.length];
    if (persona === undefined) return;
    const completion = await client.chat.completions.create({
      model: MODEL,
      messages: [
        { role: "system", content: head },
        ...said.map(
          (message) => ({ role: message.name === persona.id ? "assistant" : "user", ...message }) as const,
        ),
        { role: "system", content: ownLines({ persona, turn, maxTurns: turns }) },
      ],
      response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema } },
    });
    const { message } = JSON.parse(completion.choices[0]?.message.content ?? "{}") as { message: string };
    said.push({ name: persona.id, content: message });
  }
}

const [url = "", kind = "", count = ""] = process.argv.slice(2);
const turns = Number(count);
const converse = kind === "plain" ? plainLoop : graphConversation;
/** Enough turns for a steady figure, whatever their number in one conversation. */
const repeats = Math.max(1, Math.round(400 / turns));

for (let warm = 0; warm < 6; warm++) await converse(url, 48);
globalThis.gc?.();
const heapBefore = process.memoryUsage().heapUsed;
const before = process.cpuUsage();
for (let run = 0; run < repeats; run++) await converse(url, turns);
const { user, system } = process.cpuUsage(before);
globalThis.gc?.();
const measured: Measured = {
  turns,
  cpuMsPerTurn: (user + system) / 1000 / (turns * repeats),
  peakRssMb: process.resourceUsage().maxRSS / 1024,
  heapGrowthMb: (process.memoryUsage().heapUsed - heapBefore) / 2 ** 20,
};
process.send?.(measured);
process.disconnect?.();
