/** What one would write by hand: the official client, an array of messages, the same prompts and schema, no graph, no record. */
import { OpenAIClient } from "@langchain/openai";
import { z } from "zod";
import { answerSchema } from "../src/domain/answer.ts";
import type { Scenario } from "../src/scenario/scenario.ts";
import { ownLines, sharedHead } from "../src/turn/prompt.ts";

export interface PlainLoopParts {
  url: string;
  scenario: Scenario;
  model: string;
  /** Default: none is asked for. */
  maxOutputTokens?: number;
}

/** Holds one conversation of so many turns; retries and waits are the client's. */
export function plainLoop({ url, scenario, model, maxOutputTokens }: PlainLoopParts) {
  const client = new OpenAIClient({ apiKey: "offline", baseURL: `${url}/v1` });
  const { cast, topic } = scenario;
  const head = sharedHead({ topic, cast, categories: [] });
  const schema = z.toJSONSchema(answerSchema(cast.map(({ id }) => id) as [string, ...string[]]));
  return async (turns: number): Promise<void> => {
    const said: { name: string; content: string }[] = [];
    for (let turn = 1; turn <= turns; turn++) {
      const persona = cast[turn % cast.length] as (typeof cast)[number];
      const completion = await client.chat.completions.create({
        model,
        messages: [
          { role: "system", content: head },
          ...said.map(
            (message) => ({ role: message.name === persona.id ? "assistant" : "user", ...message }) as const,
          ),
          { role: "system", content: ownLines({ persona, turn, maxTurns: turns }) },
        ],
        ...(maxOutputTokens === undefined ? {} : { max_completion_tokens: maxOutputTokens }),
        response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema } },
      });
      const { message } = JSON.parse(completion.choices[0]?.message.content ?? "{}") as { message: string };
      said.push({ name: persona.id, content: message });
    }
  };
}
