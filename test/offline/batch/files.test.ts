/** `/v1/files`, driven by the official client. */
import { OpenAIClient } from "@langchain/openai";
import { describe, expect, it } from "vitest";
import { readUpload } from "../../../src/offline/batch/upload.ts";
import { HOUR_MS, inJsonLines, lineOf, linesOf, openStage, START_MS } from "./stage.ts";

const { BadRequestError, NotFoundError } = OpenAIClient;
const URL_OF_FILES = "http://offline.test/v1/files";
const LINE = JSON.stringify(lineOf("one"));

type Fields = Record<string, string | File>;

const formOf = (fields: Fields) => {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return form;
};

const jsonl = (text = LINE, name = "wave.jsonl") => new File([text], name);

describe("an upload", () => {
  it("is described as the provider describes it", async () => {
    const { client, upload } = openStage();
    const file = await upload(linesOf(2));
    expect(file).toEqual({
      object: "file",
      id: expect.stringMatching(/^file-offline-\w+-000001$/),
      bytes: new TextEncoder().encode(inJsonLines(linesOf(2))).byteLength,
      created_at: START_MS / 1000,
      expires_at: START_MS / 1000 + 30 * 86_400,
      filename: "wave.jsonl",
      purpose: "batch",
      status: "processed",
      status_details: null,
    });
    expect(await client.files.retrieve(file.id)).toEqual(file);
  });

  it("comes back byte by byte", async () => {
    const { client, upload } = openStage();
    const text = `${JSON.stringify(lineOf("ebb", { body: { user: "🌊\u2028é" } }))}\r\n`;
    const { id } = await upload(text);
    const response = await client.files.content(id);
    expect(Buffer.from(await response.arrayBuffer()).toString("utf8")).toBe(text);
  });

  it("is gone once it is deleted", async () => {
    const { client, upload } = openStage();
    const { id } = await upload(linesOf(1));
    expect(await client.files.delete(id)).toEqual({ id, object: "file", deleted: true });
    for (const call of [client.files.retrieve(id), client.files.content(id), client.files.delete(id)]) {
      await expect(call).rejects.toBeInstanceOf(NotFoundError);
      await expect(call).rejects.toThrow(`No such File object: ${id}`);
    }
  });

  it("expires after 30 days, or when it was told to", async () => {
    const { client, upload, wait } = openStage();
    const usual = await upload(linesOf(1));
    const short = await client.files.create({
      purpose: "batch",
      file: jsonl(),
      expires_after: { anchor: "created_at", seconds: 3600 },
    });
    expect(short.expires_at).toBe(START_MS / 1000 + 3600);
    wait(HOUR_MS - 1);
    expect((await client.files.retrieve(short.id)).id).toBe(short.id);
    wait(1);
    await expect(client.files.retrieve(short.id)).rejects.toBeInstanceOf(NotFoundError);
    await expect(client.files.content(short.id)).rejects.toBeInstanceOf(NotFoundError);
    expect((await client.files.list()).data.map(({ id }) => id)).toEqual([usual.id]);
    wait(30 * 24 * HOUR_MS);
    expect((await client.files.list()).data).toEqual([]);
  });

  it("is kept among the requests by its name and size only", async () => {
    const { server, upload } = openStage();
    const { bytes } = await upload(linesOf(1));
    expect(server.requests).toMatchObject([
      { path: "/v1/files", status: 200, body: { purpose: "batch", filename: "wave.jsonl", bytes } },
    ]);
  });

  it.each<[string, Fields, string]>([
    ["without a purpose", { file: jsonl() }, "'purpose' is a required property"],
    ["without a file", { purpose: "batch" }, "'file' is a required property"],
    ["with a text for a file", { purpose: "batch", file: LINE }, "Expected a file with a name"],
    ["for another purpose", { purpose: "fine-tune", file: jsonl() }, "for batches only, not for 'fine-tune'"],
    ["for no known purpose", { purpose: "tides", file: jsonl() }, "'tides' is not one of ["],
    ["with another name", { purpose: "batch", file: jsonl(LINE, "wave.json") }, "Must be .jsonl"],
    ["without content", { purpose: "batch", file: jsonl("") }, "Must be .jsonl"],
    ["that begins with no JSON", { purpose: "batch", file: jsonl(`ebb\n${LINE}`) }, "Must be .jsonl"],
    ["with what it does not know", { purpose: "batch", file: jsonl(), color: "blue" }, "Unknown parameter"],
    [
      "that is to live too short",
      {
        purpose: "batch",
        file: jsonl(),
        "expires_after[anchor]": "created_at",
        "expires_after[seconds]": "3599",
      },
      "expected an integer from 3600 to 2592000, but got '3599'",
    ],
    [
      "that is to live for no time",
      {
        purpose: "batch",
        file: jsonl(),
        "expires_after[anchor]": "created_at",
        "expires_after[seconds]": "soon",
      },
      "got 'soon'",
    ],
    [
      "that is to live from another time",
      {
        purpose: "batch",
        file: jsonl(),
        "expires_after[anchor]": "last_active_at",
        "expires_after[seconds]": "3600",
      },
      "Supported values are: 'created_at'.",
    ],
    [
      "that is to live for seconds from nowhere",
      { purpose: "batch", file: jsonl(), "expires_after[seconds]": "3600" },
      "Supported values are: 'created_at'.",
    ],
  ])("%s is refused", async (_, fields, message) => {
    const { client, server } = openStage();
    const response = await server.fetch(URL_OF_FILES, { method: "POST", body: formOf(fields) });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { message: expect.stringContaining(message), type: "invalid_request_error" },
    });
    expect((await client.files.list()).data).toEqual([]);
    expect(server.faults).toEqual([]);
  });

  it("twice in one form is refused", async () => {
    const { server } = openStage();
    const form = formOf({ purpose: "batch", file: jsonl() });
    form.append("file", jsonl());
    const response = await server.fetch(URL_OF_FILES, { method: "POST", body: form });
    expect(response.status).toBe(400);
  });

  it.each<[string, RequestInit]>([
    ["no form", { body: LINE, headers: { "content-type": "application/json" } }],
    ["no body", {}],
    ["a broken form", { body: "--x\r\n", headers: { "content-type": "multipart/form-data; boundary=x" } }],
    ["a form without boundary", { body: "x", headers: { "content-type": "multipart/form-data" } }],
  ])("that is %s is refused", async (_, init) => {
    const { server } = openStage();
    const response = await server.fetch(URL_OF_FILES, { method: "POST", ...init });
    expect(response.status).toBe(400);
    expect(server.faults).toEqual([]);
  });
});

describe("a file that is too large", () => {
  const limits = { now: 0, maxBytes: 100_000 };
  const requestOf = (body: FormData) => new Request(URL_OF_FILES, { method: "POST", body });
  const formOfBytes = (bytes: number) =>
    formOf({ purpose: "batch", file: jsonl(LINE + " ".repeat(bytes - LINE.length)) });

  it("by one byte is refused, and not one less", async () => {
    const fits = await readUpload({ request: requestOf(formOfBytes(100_000)), ...limits });
    expect(fits.content.byteLength).toBe(100_000);
    const reading = readUpload({ request: requestOf(formOfBytes(100_001)), ...limits });
    await expect(reading).rejects.toThrow("File is too large.");
  });

  it("is not read to its end", async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 10_000;
        controller.enqueue(new Uint8Array(10_000));
      },
    });
    const request = new Request(URL_OF_FILES, {
      method: "POST",
      body,
      headers: { "content-type": "multipart/form-data; boundary=x" },
      duplex: "half",
    });
    await expect(readUpload({ request, ...limits })).rejects.toThrow("File is too large.");
    expect(sent).toBeLessThan(300_000);
  });

  it("is refused unread where it says so", async () => {
    const { server } = openStage();
    const body = new ReadableStream<Uint8Array>({
      pull() {
        throw new Error("read");
      },
    });
    const response = await server.fetch(URL_OF_FILES, {
      method: "POST",
      body,
      headers: { "content-type": "multipart/form-data; boundary=x", "content-length": "200200000" },
      duplex: "half",
    } as RequestInit);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { message: "File is too large." } });
  });
});

describe("a list of files", () => {
  it("has the newest first, or last, in pages that the client walks by itself", async () => {
    const { client, server, upload } = openStage();
    const made: string[] = [];
    for (let count = 0; count < 5; count++) made.push((await upload(linesOf(1))).id);
    const before = server.requests.length;
    const listed: string[] = [];
    for await (const { id } of client.files.list({ limit: 2, order: "asc" })) listed.push(id);
    expect(listed).toEqual(made);
    expect(server.requests.length - before).toBe(3);
    expect((await client.files.list()).data.map(({ id }) => id)).toEqual(made.reverse());
    const response = await server.fetch(`${URL_OF_FILES}?limit=2&after=${made[1]}`);
    expect(await response.json()).toMatchObject({
      object: "list",
      first_id: made[2],
      last_id: made[3],
      has_more: true,
    });
  });

  it("may be of one purpose, with what batches put out by now", async () => {
    const { client, submit } = openStage();
    const created = await submit(linesOf(1));
    const outputs = await client.files.list({ purpose: "batch_output" });
    expect(outputs.data).toMatchObject([{ filename: `${created.id}_output.jsonl`, purpose: "batch_output" }]);
    const inputs = await client.files.list({ purpose: "batch" });
    expect(inputs.data.map(({ id }) => id)).toEqual([created.input_file_id]);
  });

  it.each([{ limit: 0 }, { limit: 10_001 }, { after: "file-none" }, { order: "up" as "asc" }])(
    "is refused for %o",
    async (query) => {
      await expect(openStage().client.files.list(query)).rejects.toBeInstanceOf(BadRequestError);
    },
  );
});
