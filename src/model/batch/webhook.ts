/** The provider's word that a batch is over, as it came over HTTP: believed only where it is signed and new. */
import { OpenAIClient } from "@langchain/openai";
import { z } from "zod";
import { DramatisError } from "../../domain/errors.ts";

/** A webhook as it was received. */
export interface Webhook {
  /** Byte for byte; it is what the signature is of. */
  body: string;
  headers: Headers;
  /** Of the endpoint, as the provider showed it once: `whsec_` and base64. Secret. */
  secret: string;
}

/** A batch that is over, by the provider's id of it. */
export interface ToldEnd {
  providerId: string;
  status: "completed" | "failed" | "expired" | "cancelled";
}

/** The official client's own default. */
const MOST_AGE_S = 300;
const SECRET_PREFIX = "whsec_";

const eventSchema = z.object({
  type: z.templateLiteral(["batch.", z.enum(["completed", "failed", "expired", "cancelled"])]),
  data: z.object({ id: z.string().min(1) }),
});

/**
 * A secret that signatures can be checked with.
 * @throws DramatisError `invalid-argument` for one that is cut off or not as it was shown; the message holds none of it
 */
export function checkedWebhookSecret(secret: string): string {
  const text = secret.trim();
  const isWhole = text.startsWith(SECRET_PREFIX)
    ? /^[A-Za-z0-9+/]{8,}={0,2}$/.test(text.slice(SECRET_PREFIX.length))
    : text !== "";
  if (isWhole) return text;
  throw new DramatisError(
    "invalid-argument",
    "The secret of the webhook is not whole: expected whsec_ and base64, as OpenAI shows it when the endpoint is made. Copy it again.",
  );
}

/**
 * Checks an event with the official client.
 * @returns refused: not signed with this secret, or older or newer than five minutes; ignored: signed, and about no batch's end
 */
export async function readWebhook({
  body,
  headers,
  secret,
}: Webhook): Promise<ToldEnd | "ignored" | "refused"> {
  // Nothing is sent; it asks for a key all the same.
  const client = new OpenAIClient({ apiKey: "none", organization: null, project: null, logLevel: "off" });
  let event: unknown;
  try {
    event = await client.webhooks.unwrap(body, headers, checkedWebhookSecret(secret), MOST_AGE_S);
  } catch (error) {
    if (error instanceof DramatisError) throw error;
    return "refused";
  }
  const parsed = eventSchema.safeParse(event);
  if (!parsed.success) return "ignored";
  const { type, data } = parsed.data;
  const status = type.slice("batch.".length) as ToldEnd["status"];
  return { providerId: data.id, status };
}
