/** What a call that makes a batch is refused for at once. */
import { OpenAIClient } from "@langchain/openai";
import { describe, expect, it } from "vitest";
import { linesOf, openStage } from "./stage.ts";

const URL_OF_BATCHES = "http://offline.test/v1/batches";

/** What a call with this body, beside what it needs, is answered with. */
async function refusalOf(more: Record<string, unknown>) {
  const { server, upload } = openStage();
  const { id } = await upload(linesOf(1));
  const body = {
    input_file_id: id,
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
    ...more,
  };
  const response = await server.fetch(URL_OF_BATCHES, { method: "POST", body: JSON.stringify(body) });
  const { error } = (await response.json()) as { error: { param: string; code: string; message: string } };
  return { status: response.status, param: error.param, code: error.code };
}

const pairs = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, "v"]));

describe("a batch is not made", () => {
  it.each<[Record<string, unknown>, string, string]>([
    [{ input_file_id: undefined }, "input_file_id", "missing_required_parameter"],
    [{ input_file_id: 7 }, "input_file_id", "invalid_type"],
    [{ input_file_id: "file-none" }, "input_file_id", "invalid_request"],
    [{ endpoint: undefined }, "endpoint", "missing_required_parameter"],
    [{ endpoint: "/v1/responses" }, "endpoint", "invalid_value"],
    [{ completion_window: undefined }, "completion_window", "missing_required_parameter"],
    [{ completion_window: "1h" }, "completion_window", "invalid_value"],
    [{ metadata: "text" }, "metadata", "invalid_type"],
    [{ metadata: { tags: ["a"] } }, "metadata.tags", "invalid_type"],
    [{ metadata: pairs(17) }, "metadata", "object_above_max_properties"],
    [{ metadata: { ["k".repeat(65)]: "v" } }, "metadata", "invalid_property_name"],
    [{ metadata: { k: "v".repeat(513) } }, "metadata.k", "string_above_max_length"],
    [{ output_expires_after: 3600 }, "output_expires_after", "invalid_type"],
    [{ output_expires_after: { seconds: 3600 } }, "output_expires_after.anchor", "invalid_value"],
    [{ output_expires_after: { anchor: "created_at" } }, "output_expires_after.seconds", "invalid_value"],
    [
      { output_expires_after: { anchor: "created_at", seconds: 3599 } },
      "output_expires_after.seconds",
      "invalid_value",
    ],
    [
      { output_expires_after: { anchor: "created_at", seconds: 2_592_001 } },
      "output_expires_after.seconds",
      "invalid_value",
    ],
    [
      { output_expires_after: { anchor: "created_at", seconds: 3600, minutes: 1 } },
      "output_expires_after.minutes",
      "unknown_parameter",
    ],
    [{ model: "gpt-4.1-nano" }, "model", "unknown_parameter"],
  ])("for %j", async (more, param, code) => {
    expect(await refusalOf(more)).toEqual({ status: 400, param, code });
  });

  it("of what a batch put out", async () => {
    const { create, look, submit } = openStage();
    const { output_file_id: id } = await look(await submit(linesOf(1)));
    const creating = create(id ?? "");
    await expect(creating).rejects.toBeInstanceOf(OpenAIClient.BadRequestError);
    await expect(creating).rejects.toMatchObject({ code: "invalid_purpose", param: "input_file_id" });
  });

  it("of a body that is no JSON", async () => {
    const { server } = openStage();
    const response = await server.fetch(URL_OF_BATCHES, { method: "POST", body: "{" });
    expect(response.status).toBe(400);
  });

  it("without the right key", async () => {
    const { client } = openStage({ apiKey: "sk-other" });
    await expect(client.batches.list()).rejects.toBeInstanceOf(OpenAIClient.AuthenticationError);
    await expect(client.files.list()).rejects.toBeInstanceOf(OpenAIClient.AuthenticationError);
  });
});

describe("a batch is made", () => {
  it("with as much metadata as there may be, or none", async () => {
    const { create, upload } = openStage();
    const { id } = await upload(linesOf(1));
    const metadata = { ...pairs(15), ["k".repeat(64)]: "v".repeat(512) };
    expect((await create(id, { metadata })).metadata).toEqual(metadata);
    expect((await create(id, { metadata: null })).metadata).toBeNull();
    expect((await create(id)).metadata).toBeNull();
  });

  it("whose files expire when it says", async () => {
    const { client, create, look, upload } = openStage();
    const { id } = await upload(linesOf(1));
    const created = await create(id, { output_expires_after: { anchor: "created_at", seconds: 7200 } });
    const { output_file_id: output } = await look(created);
    const file = await client.files.retrieve(output ?? "");
    expect(file.expires_at).toBe(file.created_at + 7200);
  });
});

describe("a list of batches", () => {
  it("has the newest first, in pages that the client walks by itself", async () => {
    const { client, server, submit } = openStage();
    const made: string[] = [];
    for (let count = 0; count < 7; count++) made.push((await submit(linesOf(1, `wave-${count}`))).id);
    const before = server.requests.length;
    const listed: string[] = [];
    for await (const { id } of client.batches.list({ limit: 3 })) listed.push(id);
    expect(listed).toEqual(made.reverse());
    expect(server.requests.length - before).toBe(3);
    const response = await server.fetch(`${URL_OF_BATCHES}?limit=2&after=${made[1]}`);
    expect(await response.json()).toMatchObject({
      object: "list",
      data: [{ id: made[2] }, { id: made[3] }],
      first_id: made[2],
      last_id: made[3],
      has_more: true,
    });
  });

  it("shows 20 unless it is told, and at most 100", async () => {
    const { client, create, upload } = openStage();
    const { id } = await upload(linesOf(1));
    for (let count = 0; count < 21; count++) await create(id);
    expect((await client.batches.list()).data).toHaveLength(20);
    expect((await client.batches.list({ limit: 100 })).data).toHaveLength(21);
    await expect(client.batches.list({ limit: 101 })).rejects.toBeInstanceOf(OpenAIClient.BadRequestError);
    await expect(client.batches.list({ after: "batch_none" })).rejects.toBeInstanceOf(
      OpenAIClient.BadRequestError,
    );
  });
});
