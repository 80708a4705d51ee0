/** The offline server as a command: what its flags do to requests, and what it says of them at the end. */
import { OpenAIClient } from "@langchain/openai";
import { describe, expect, it } from "vitest";
import { settingsOf } from "../../src/cli/offline.ts";
import { runCommand } from "../../src/cli/program.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { sampleTerminal } from "./sample-terminal.ts";

const ask = (url: string) =>
  fetch(`${url}/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model: "gpt-4.1-nano", messages: [{ role: "user", content: "When?" }] }),
  });

/** Runs the command, uses the address it prints, presses Ctrl-C. */
async function serve<Result>(flags: string[], use: (url: string) => Promise<Result>) {
  const { terminal, written } = sampleTerminal();
  let using: Promise<Result> | undefined;
  let interrupt: () => void = () => undefined;
  const attended: Terminal = {
    ...terminal,
    onInterrupt(listener) {
      interrupt = () => listener("signal");
      return terminal.onInterrupt(listener);
    },
    write(text) {
      terminal.write(text);
      const url = /OPENAI_BASE_URL=(\S+)/.exec(text)?.[1];
      if (url === undefined) return;
      using = use(url);
      using.then(interrupt, interrupt);
    },
  };
  const exitCode = await runCommand(["offline", "--port", "0", ...flags], attended);
  return { exitCode, ...written, result: await using };
}

describe("dramatis offline", () => {
  it("answers, and says what it would have cost", async () => {
    const { exitCode, stderr, result } = await serve([], async (url) => (await ask(url)).status);
    expect({ exitCode, result }).toEqual({ exitCode: 0, result: 200 });
    expect(stderr).toMatch(
      /Ctrl-C to stop\.\n1 request answered; a provider would have charged \$0\.\d+\.\n$/,
    );
  });

  it("holds to the limits it was given, and counts whom it turned away", async () => {
    const { stderr, result } = await serve(["--rpm", "2", "--tpm", "100000"], async (url) => {
      const responses = [await ask(url), await ask(url), await ask(url)];
      return responses.map(({ status, headers }) => [status, headers.get("x-ratelimit-limit-tokens")]);
    });
    expect(result).toEqual([
      [200, "100000"],
      [200, "100000"],
      [429, "100000"],
    ]);
    expect(stderr).toContain("2 requests answered");
    expect(stderr).toContain("1 request rejected by the rate limit.\n");
  });

  it("lets a share of the requests fail, and says how", async () => {
    // This seed's first fault is a 429: nothing that hangs.
    const { stderr } = await serve(["--faults", "1", "--seed", "1"], async (url) => {
      await ask(url).catch(() => undefined);
    });
    expect(stderr).toMatch(/\n1 request failed as asked: 429-retry-after 1\.\n$/);
  });

  it("answers batches, and says what they would have cost", async () => {
    const { stderr, result } = await serve([], async (url) => {
      const client = new OpenAIClient({ apiKey: "none", baseURL: url, maxRetries: 0 });
      const body = { model: "gpt-4.1-nano", messages: [{ role: "user", content: "When?" }] };
      const line = { custom_id: "one", method: "POST", url: "/v1/chat/completions", body };
      const file = await client.files.create({
        purpose: "batch",
        file: new File([JSON.stringify(line)], "wave.jsonl"),
      });
      const created = await client.batches.create({
        input_file_id: file.id,
        endpoint: "/v1/chat/completions",
        completion_window: "24h",
      });
      return (await client.batches.retrieve(created.id)).status;
    });
    expect(result).toBe("completed");
    expect(stderr).toMatch(/\n1 request answered; a provider would have charged \$0\.\d+\.\n$/);
  });

  it("asks the server for what the flags say", () => {
    const flags = { port: 0, latency: 200, tpm: 30_000, batch: 60_000, faults: 0.3, seed: 7 };
    const faults = { seed: 7, share: 0.3 };
    expect(settingsOf(flags)).toEqual({
      latencyMs: 200,
      rateLimit: { requestsPerMinute: 10_000_000, tokensPerMinute: 30_000 },
      faults,
      batch: { processingMs: 60_000, faults },
    });
    expect(settingsOf({ port: 0, seed: 7 })).toMatchObject({ latencyMs: undefined, faults: undefined });
  });

  it.each([
    [["--faults", "2"], "Expected a share from 0 to 1, like 0.3."],
    [["--faults", ""], "Expected a share from 0 to 1, like 0.3."],
    [["--rpm", "0"], "Expected a whole number of 1 or more."],
    [["--batch", "-1"], "Expected a whole number from 0 to 86400000."],
    [["--latency", "slow"], "Expected a whole number from 0 to 3600000."],
  ])("refuses %j", async (flags, message) => {
    const { terminal, written } = sampleTerminal();
    expect(await runCommand(["offline", ...flags], terminal)).toBe(1);
    expect(written.stderr).toContain(message);
  });
});
