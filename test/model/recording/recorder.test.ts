/** What a recording holds, what it never holds, and what happens when it cannot be written. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Send } from "../../../src/model/exchange.ts";
import { ModelError } from "../../../src/model/model-error.ts";
import { createRecorder } from "../../../src/model/recording/recorder.ts";
import { temporaryFolders } from "../../vault/temporary-vault.ts";
import { completion, exchange, REQUEST } from "../sample-exchange.ts";

vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  return { ...fs, appendFileSync: vi.fn(fs.appendFileSync) };
});

const KEY = "own-key-MARKED-0123456789";
const newFolder = temporaryFolders();
let file: string;
beforeEach(() => {
  file = join(newFolder(), "run.jsonl");
});

const open = (path = file) =>
  createRecorder({ file: path, transport: "network", apiKey: KEY, clock: () => 1000 });
const lines = () =>
  readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("a recording", () => {
  it("begins with its version and is readable by its owner alone", () => {
    open();
    expect(lines()).toEqual([
      { kind: "header", format: "dramatis-exchanges", version: 1, transport: "network", at: 1000 },
    ]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("has an exchange on disk before its answer is handed on", async () => {
    const send: Send = async (sent) => {
      sent.requestId = "req_1";
      return completion("Fix exports.");
    };
    await open().around(send)(exchange({ request: { ...REQUEST, user: "u", prompt_cache_key: "k" } }));
    expect(lines()[1]).toMatchObject({
      kind: "exchange",
      turn: 1,
      persona: "ada",
      purpose: "turn",
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      request: REQUEST,
      attempts: [],
      requestId: "req_1",
      completion: completion("Fix exports."),
    });
  });

  it("keeps failures with the failed attempts, and aborts", async () => {
    const failed = { purpose: "turn" as const, model: "gpt-4.1-nano", attempt: 1, mayBeBilled: false };
    const send: Send = async (sent) => {
      sent.attempts.push({ ...failed, problem: "rate-limited", status: 429, waitMs: 5 });
      const fields = { model: "gpt-4.1-nano", status: 400, isRetryable: false, mayBeBilled: false };
      throw new ModelError("bad-request", "No.", fields);
    };
    const recorder = open();
    await expect(recorder.around(send)(exchange())).rejects.toThrow("No.");
    const signal = AbortSignal.abort(new Error("broken off"));
    const aborted: Send = async () => signal.throwIfAborted() as never;
    await expect(recorder.around(aborted)(exchange({ signal }))).rejects.toThrow("broken off");
    const mistake: Send = async () => {
      throw new TypeError("a mistake in code");
    };
    await expect(recorder.around(mistake)(exchange())).rejects.toThrow("a mistake");
    expect(lines().slice(1)).toMatchObject([
      {
        attempts: [{ problem: "rate-limited", waitMs: 5 }],
        failure: { code: "bad-request", message: "No.", status: 400 },
      },
      { failure: { code: "aborted" } },
    ]);
    expect(lines()).toHaveLength(3);
  });

  it("holds no key, wherever it came from", async () => {
    const content = `My key ${KEY}, or sk-proj-MARKED0123456789, or Authorization: Bearer MARKED-token`;
    const request = { ...REQUEST, messages: [{ role: "user" as const, content }], metadata: { [KEY]: KEY } };
    const recorder = open();
    recorder.begin({ scenario: "talk", topic: content, context: { models: { "*": KEY } } });
    await recorder.around(async () => completion(`You sent ${KEY} and sk-proj-MARKED0123456789.`))(
      exchange({ request }),
    );
    expect(readFileSync(file, "utf8")).not.toContain("MARKED");
    expect(lines()).toHaveLength(3);
  });
});

describe("a file that cannot take it", () => {
  const refused = (path: string, message: RegExp) => {
    expect(() => open(path)).toThrow(expect.objectContaining({ code: "write-failed" }));
    expect(() => open(path)).toThrow(message);
  };

  it("is refused before anything is sent", () => {
    refused(join(newFolder(), "missing", "run.jsonl"), /ENOENT.*Name another file/);
    refused(newFolder(), /it is a folder/);
    if (existsSync("/dev/full")) refused("/dev/full", /ENOSPC/);
  });

  it("is refused when it holds a recording, and taken when it holds nothing", async () => {
    writeFileSync(file, "");
    open();
    open();
    await open().around(async () => completion("x"))(exchange());
    refused(file, /there already/);
    expect(lines()).toHaveLength(2);
  });

  it("leaves nothing behind when its first line does not fit", () => {
    vi.mocked(appendFileSync).mockImplementationOnce(() => {
      throw new Error("ENOSPC: no space left on device");
    });
    expect(() => open()).toThrow(/no space left/);
    expect(existsSync(file)).toBe(false);
  });

  it("in the middle loses no answer, ends after the last whole line, and is said once", async () => {
    const recorder = open();
    const recorded = recorder.around(async () => completion("Fix exports."));
    await recorded(exchange());
    vi.mocked(appendFileSync).mockImplementationOnce((path, data) => {
      writeFileSync(path, String(data).slice(0, 20), { flag: "a" });
      throw new Error("ENOSPC: no space left on device");
    });
    expect(await recorded(exchange())).toEqual(completion("Fix exports."));
    expect(await recorded(exchange())).toEqual(completion("Fix exports."));
    expect(lines()).toHaveLength(2);
    expect(recorder.problem).toMatchObject({
      code: "write-failed",
      message: expect.stringMatching(/no space left.*ends before the conversation/),
    });
  });

  it("goes on where it was opened, whatever folder the process is in later", async () => {
    const folder = newFolder();
    const before = process.cwd();
    mkdirSync(join(folder, "elsewhere"));
    process.chdir(folder);
    try {
      file = join(folder, "run.jsonl");
      const recorder = open("run.jsonl");
      process.chdir(join(folder, "elsewhere"));
      await recorder.around(async () => completion("x"))(exchange());
      expect(lines()).toHaveLength(2);
    } finally {
      process.chdir(before);
    }
  });
});
