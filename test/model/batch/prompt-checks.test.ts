/** What is refused of prompts by batch before anything of them is sent. */
import { describe, expect, it } from "vitest";
import { openDramatis } from "../../../src/app.ts";
import { loadCatalog } from "../../../src/catalog/catalog.ts";
import type { BatchPrompt, PromptBatchOptions } from "../../../src/model/batch/prompt-batch.ts";
import { createOfflineServer } from "../../../src/offline/server.ts";

const SECRET = `ghp_${"a1B2c3".repeat(6)}`;

async function openStage() {
  const catalog = loadCatalog();
  const offline = createOfflineServer({ models: [...catalog.models.values()] });
  const server = { apiKey: "sk-batch", baseUrl: "http://offline.invalid/v1", fetch: offline.fetch };
  return { offline, dramatis: await openDramatis({ ...server, catalog, env: {}, maxCostUsd: 1 }) };
}

const prompt: BatchPrompt<string> = {
  model: "gpt-4.1-mini",
  messages: [{ role: "user", content: "What would Ana ask first?" }],
  maxOutputTokens: 200,
};

const pairs = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`pair-${n}`, "x"]));

/** Sends two prompts, the second of which is changed, so that its place is seen. */
async function refusalOf(change: Partial<BatchPrompt<string>>, options: PromptBatchOptions = {}) {
  const { offline, dramatis } = await openStage();
  const thrown = await dramatis.batch([prompt, { ...prompt, ...change }], options).catch((error) => error);
  expect(offline.requests).toEqual([]);
  expect(dramatis.budget).toMatchObject({ spentNanoUsd: 0, heldNanoUsd: 0 });
  return { code: thrown.code, message: thrown.message };
}

describe("prompts by batch are refused before anything is sent", () => {
  it.each([
    [{ temperature: 2.1 }, "temperature: expected a number from 0 to 2, got 2.1."],
    [{ temperature: -0.1 }, "temperature: expected a number from 0 to 2, got -0.1."],
    [{ temperature: Number.NaN }, "temperature: expected a number from 0 to 2, got NaN."],
    [{ maxOutputTokens: 0 }, "maxOutputTokens: expected a whole number above 0, got 0."],
    [{ maxOutputTokens: 1.5 }, "maxOutputTokens: expected a whole number above 0, got 1.5."],
    [{ maxOutputTokens: Number.NaN }, "maxOutputTokens: expected a whole number above 0, got NaN."],
    [{ messages: [] }, "messages: expected one or more, got none."],
  ])("with the prompt and the field: %j", async (change, message) => {
    expect(await refusalOf(change)).toEqual({
      code: "invalid-argument",
      message: `Prompt "1" of a batch, ${message}`,
    });
  });

  it.each([
    [{ pollMs: -1 }, "pollMs: expected milliseconds of 0 or more, got -1."],
    [{ pollMs: Number.NaN }, "pollMs: expected milliseconds of 0 or more, got NaN."],
    [{ metadata: pairs(15) }, "metadata: expected at most 14 pairs beside ours (kind, batch), got 15."],
    [{ metadata: { batch: "x" } }, 'metadata: expected names beside ours, got "batch". Call it otherwise.'],
    [
      { metadata: { ["n".repeat(65)]: "x" } },
      `metadata: expected names of at most 64 characters, got "${"n".repeat(65)}" with 65.`,
    ],
    [{ metadata: { team: "x".repeat(513) } }, 'metadata["team"]: expected at most 512 characters, got 513.'],
  ])("with the option: %j", async (options, message) => {
    expect(await refusalOf({}, options)).toEqual({
      code: "invalid-argument",
      message: `A batch of prompts, ${message}`,
    });
  });

  it("with a secret, of which only the kind is told", async () => {
    const parts = [{ type: "text" as const, text: `Read the list with ${SECRET}.` }];
    const messages = [prompt.messages[0], { role: "user" as const, content: parts }].filter(
      (message) => message !== undefined,
    );
    expect(await refusalOf({ messages })).toEqual({
      code: "secret-found",
      message:
        'Prompt "1" of a batch, messages[1]: expected text without secrets, found GitHub token. Nothing was sent. Remove it, or have it sent: the option `secrets: "warn"`.',
    });
  });
});

describe("prompts by batch are sent", () => {
  it("at the limits of what they may be", async () => {
    const { offline, dramatis } = await openStage();
    const metadata = { ...pairs(13), ["\u{1f600}".repeat(32)]: "x".repeat(512) };
    const hot = { ...prompt, temperature: 2, maxOutputTokens: 1 };
    const { answers } = await dramatis.batch([hot], { pollMs: 0, metadata });
    expect(answers[0]?.usage?.outputTokens).toBe(1);
    const made = offline.requests.find(({ method, path }) => method === "POST" && path === "/v1/batches");
    expect(made?.body).toMatchObject({ metadata });
  });

  it("with their secrets where that is asked for, and told of", async () => {
    const { dramatis } = await openStage();
    const problems: unknown[] = [];
    const shown = { ...prompt, messages: [{ role: "user" as const, content: `What is ${SECRET}?` }] };
    const { answers } = await dramatis.batch([shown], {
      ...{ pollMs: 1, secrets: "warn" as const },
      onProblem: (error) => problems.push(error),
    });
    expect(answers[0]?.problem).toBeUndefined();
    expect(problems).toMatchObject([
      {
        code: "secret-found",
        message:
          'Prompt "0" of a batch, messages[0]: expected text without secrets, found GitHub token. It is sent as it stands.',
      },
    ]);
  });
});
