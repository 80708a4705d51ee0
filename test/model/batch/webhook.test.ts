/** Events of the provider's: what is believed of them. Signatures are those of the offline server, which shares no code. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkedWebhookSecret, readWebhook } from "../../../src/model/batch/webhook.ts";
import { signedHeaders } from "../../../src/offline/batch/webhook.ts";

const SECRET = `whsec_${Buffer.from("twelve at the very least").toString("base64")}`;
const nowS = () => Math.floor(Date.now() / 1000);
const eventOf = (type: string, id: unknown = "batch_1") =>
  JSON.stringify({ object: "event", id: "evt_1", created_at: nowS(), type, data: { id } });

function received(body: string, { ageS = 0, secret = SECRET } = {}) {
  const headers = signedHeaders({ id: "evt_1", timestamp: nowS() - ageS, body, secret });
  return { body, headers: new Headers(headers), secret: SECRET };
}

describe("an event", () => {
  it.each(["completed", "failed", "expired", "cancelled"] as const)(
    "that is signed tells of a batch that is %s",
    async (status) => {
      expect(await readWebhook(received(eventOf(`batch.${status}`)))).toEqual({
        providerId: "batch_1",
        status,
      });
    },
  );

  it.each([
    ["of another kind", eventOf("response.completed")],
    ["of a state that is no end", eventOf("batch.in_progress")],
    ["without a batch", eventOf("batch.completed", null)],
    ["that is no object", "7"],
  ])("%s is ignored", async (_, body) => {
    expect(await readWebhook(received(body))).toBe("ignored");
  });

  it("is refused where it is old, from the future, signed by others, or not signed at all", async () => {
    const body = eventOf("batch.completed");
    expect(await readWebhook(received(body, { ageS: 290 }))).toMatchObject({ providerId: "batch_1" });
    expect(await readWebhook(received(body, { ageS: 310 }))).toBe("refused");
    expect(await readWebhook(received(body, { ageS: -310 }))).toBe("refused");
    expect(await readWebhook(received(body, { secret: "whsec_c29tZWJvZHkgZWxzZQ==" }))).toBe("refused");
    for (const missing of ["webhook-id", "webhook-timestamp", "webhook-signature"]) {
      const event = received(body);
      event.headers.delete(missing);
      expect(await readWebhook(event)).toBe("refused");
    }
    expect(await readWebhook({ body, headers: new Headers(), secret: SECRET })).toBe("refused");
  });

  it("is refused once a character of it is another", async () => {
    const event = received(eventOf("batch.completed"));
    const place = fc.integer({ min: 0, max: event.body.length - 1 });
    await fc.assert(
      fc.asyncProperty(place, fc.string({ minLength: 1, maxLength: 1 }), async (at, character) => {
        fc.pre(event.body[at] !== character);
        const body = event.body.slice(0, at) + character + event.body.slice(at + 1);
        expect(await readWebhook({ ...event, body })).toBe("refused");
      }),
      { numRuns: 200 },
    );
  });
});

describe("a secret", () => {
  it.each([SECRET, ` ${SECRET}\n`, "plain words"])("may be %j", (secret) => {
    expect(checkedWebhookSecret(secret)).toBe(secret.trim());
  });

  it.each(["", "whsec_", "whsec_MARKED%%", "whsec_abc"])("is refused as %j, and not shown", (secret) => {
    expect(() => checkedWebhookSecret(secret)).toThrow(
      expect.objectContaining({
        code: "invalid-argument",
        message: expect.not.stringContaining("MARKED"),
      }),
    );
  });
});
