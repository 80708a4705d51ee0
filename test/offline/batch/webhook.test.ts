/** Events of batches that are over, checked as the official client checks them. */
import { OpenAIClient } from "@langchain/openai";
import { describe, expect, it } from "vitest";
import { signedHeaders } from "../../../src/offline/batch/webhook.ts";
import type { OfflineServerOptions } from "../../../src/offline/server.ts";
import { HOUR_MS, linesOf, openStage } from "./stage.ts";

const SECRET = `whsec_${Buffer.from("the tide turns twice a day").toString("base64")}`;
const URL_OF_HOOK = "http://client.test/hooks/openai";
/** The client compares with this machine's clock, which the stage's has nothing to do with. */
const ANY_AGE_S = 1e12;

interface Post {
  url: string;
  raw: string;
  headers: Headers;
}

/** A stage whose server tells a client, which answers as it is told; 200 when it is not. */
function openHook(options: Partial<OfflineServerOptions> = {}, secret = SECRET) {
  const posts: Post[] = [];
  const answers: (number | "broken" | Promise<number>)[] = [];
  const hook: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    posts.push({ url: request.url, raw: await request.text(), headers: request.headers });
    const answer = await (answers.shift() ?? 200);
    if (answer === "broken") throw new TypeError("fetch failed");
    return new Response("{}", { status: answer });
  };
  const stage = openStage({ webhook: { url: URL_OF_HOOK, secret, fetch: hook }, ...options });
  const unwrap = ({ raw, headers }: Post) => stage.client.webhooks.unwrap(raw, headers, secret, ANY_AGE_S);
  return { ...stage, posts, answers, unwrap };
}

const firstOf = (posts: readonly Post[]): Post => {
  const [post] = posts;
  if (post === undefined) throw new Error("expected an event");
  return post;
};

describe("an event", () => {
  it("is signed so that the client's unwrap takes it", async () => {
    const { posts, server, submit, unwrap } = openHook();
    const batch = await submit(linesOf(1));
    await server.batches.tick();
    expect(posts).toHaveLength(1);
    const post = firstOf(posts);
    expect(post.url).toBe(URL_OF_HOOK);
    expect(await unwrap(post)).toEqual({
      object: "event",
      id: expect.stringMatching(/^evt_offline_/),
      type: "batch.completed",
      created_at: batch.created_at,
      data: { id: batch.id },
    });
  });

  it("is refused once anything of it is changed", async () => {
    const { client, posts, server, submit } = openHook();
    await submit(linesOf(1));
    await server.batches.tick();
    const { raw, headers } = firstOf(posts);
    const later = new Headers(headers);
    later.set("webhook-timestamp", String(Number(headers.get("webhook-timestamp")) + 1));
    const another = new Headers(headers);
    another.set("webhook-id", "evt_other");
    for (const [text, some, secret] of [
      [raw.replace("completed", "failed"), headers, SECRET],
      [raw, later, SECRET],
      [raw, another, SECRET],
      [raw, headers, "whsec_b3RoZXI="],
    ] as const) {
      const unwrapping = client.webhooks.unwrap(text, some, secret, ANY_AGE_S);
      await expect(unwrapping).rejects.toBeInstanceOf(OpenAIClient.InvalidWebhookSignatureError);
    }
  });

  it("may be signed with a secret of any text", async () => {
    const { posts, server, submit, unwrap } = openHook({}, "plain words");
    await submit(linesOf(1));
    await server.batches.tick();
    expect(await unwrap(firstOf(posts))).toMatchObject({ type: "batch.completed" });
  });

  it("carries the signature of the scheme's own example", () => {
    // https://github.com/standard-webhooks/standard-webhooks, the specification's test vector.
    const headers = signedHeaders({
      id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
      timestamp: 1614265330,
      body: '{"test": 2432232314}',
      secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    });
    expect(headers["webhook-signature"]).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  });

  it.each([
    ["failed", ["{}"], 0],
    ["expired", linesOf(1), 24 * HOUR_MS],
    ["cancelled", linesOf(1), 0],
  ] as const)("tells of a batch that is %s", async (status, lines, waitMs) => {
    const { client, posts, server, submit, unwrap, wait } = openHook({
      batch: { processingMs: 48 * HOUR_MS },
    });
    const batch = await submit(lines);
    if (status === "cancelled") await client.batches.cancel(batch.id);
    wait(waitMs);
    await server.batches.tick();
    expect(posts).toHaveLength(1);
    expect(await unwrap(firstOf(posts))).toMatchObject({ type: `batch.${status}`, data: { id: batch.id } });
    await server.batches.tick();
    expect(posts).toHaveLength(1);
  });

  it("is sent when any request for batches or files notices the end", async () => {
    const { client, posts, server, submit, wait } = openHook({ batch: { processingMs: 1000 } });
    await submit(linesOf(1));
    wait(999);
    await client.files.list();
    await server.batches.tick();
    expect(posts).toHaveLength(0);
    wait(1);
    await client.files.list();
    await server.batches.tick();
    expect(posts).toHaveLength(1);
  });

  it("holds nobody up, and may be answered by whoever asks for the batch first", async () => {
    let answered: (status: number) => void = () => undefined;
    const { answers, look, posts, submit, server } = openHook();
    answers.push(
      new Promise((resolve) => {
        answered = resolve;
      }),
    );
    const batch = await submit(linesOf(1));
    expect((await look(batch)).status).toBe("completed");
    expect((await look(batch)).status).toBe("completed");
    answered(200);
    await server.batches.tick();
    expect(posts).toHaveLength(1);
  });
});

describe("an event that is not taken", () => {
  it.each([500, 301, "broken"] as const)("for %s is sent again, later, under the same id", async (answer) => {
    const { answers, posts, server, submit, wait } = openHook();
    answers.push(answer, answer);
    await submit(linesOf(1));
    await server.batches.tick();
    await server.batches.tick();
    expect(posts).toHaveLength(1);
    wait(1000);
    await server.batches.tick();
    wait(1999);
    await server.batches.tick();
    expect(posts).toHaveLength(2);
    wait(1);
    await server.batches.tick();
    expect(posts).toHaveLength(3);
    wait(HOUR_MS);
    await server.batches.tick();
    expect(posts).toHaveLength(3);
    expect(new Set(posts.map(({ headers }) => headers.get("webhook-id"))).size).toBe(1);
  });

  it("is given up after eight times", async () => {
    const { answers, posts, server, submit, wait } = openHook();
    answers.push(...Array.from({ length: 20 }, () => 500));
    await submit(linesOf(1));
    for (let time = 0; time < 12; time++) {
      await server.batches.tick();
      wait(HOUR_MS);
    }
    expect(posts).toHaveLength(8);
  });
});

describe("a webhook", () => {
  it.each([
    [{ url: "hooks/openai", secret: SECRET }, "webhook.url"],
    [{ url: "file:///hooks", secret: SECRET }, "webhook.url"],
    [{ url: URL_OF_HOOK, secret: "" }, "webhook.secret"],
    [{ url: URL_OF_HOOK, secret: "whsec_" }, "webhook.secret"],
  ])("is refused: %o", (webhook, message) => {
    expect(() => openStage({ webhook })).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining(message) }),
    );
  });
});
