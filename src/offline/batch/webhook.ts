/**
 * Tells a client's server that a batch is over: an event, signed by the Standard Webhooks scheme. Sending never holds up
 * the requests that notice the end; what was not taken is sent again when a later request comes, and at last given up.
 */
import { createHmac } from "node:crypto";
import { DramatisError } from "../../domain/errors.ts";
import type { BatchEnd } from "./batch-steps.ts";

/** Where events go. */
export interface OfflineWebhook {
  /** Of the server that is told, with its path. */
  url: string;
  /** As the client checks it: `whsec_` and base64, or any text. */
  secret: string;
  /** Default: the global one. */
  fetch?: typeof globalThis.fetch | undefined;
}

export interface BatchEvent {
  object: "event";
  id: string;
  type: `batch.${BatchEnd["status"]}`;
  /** Seconds since 1970. */
  created_at: number;
  data: { id: string };
}

export interface WebhookSender {
  /** Begins to send. */
  announce(end: BatchEnd): void;
  /** Sends again what was not taken and is due by now. */
  retry(): void;
  /** Settles when nothing is on its way; never rejects. */
  settled(): Promise<void>;
  clear(): void;
}

interface Delivery {
  event: BatchEvent;
  tries: number;
  dueMs: number;
  isUnderWay: boolean;
}

const ID_DIGITS = 6;
const MOST_TRIES = 8;
/** Milliseconds before the second try; doubled each time. */
const PAUSE_MS = 1000;
const TIMEOUT_MS = 10_000;
const SECRET_PREFIX = "whsec_";

function keyOf(secret: string): Buffer {
  if (!secret.startsWith(SECRET_PREFIX)) return Buffer.from(secret, "utf8");
  return Buffer.from(secret.slice(SECRET_PREFIX.length), "base64");
}

function checkWebhook({ url, secret }: OfflineWebhook): void {
  const isAddress = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
  const refuse = (message: string) => new DramatisError("invalid-argument", message);
  if (!isAddress) throw refuse("webhook.url: expected an http or https address.");
  if (keyOf(secret).byteLength === 0)
    throw refuse("webhook.secret: expected whsec_ and base64, or any text, got nothing.");
}

/** The headers that prove who sent `body` and when. */
export function signedHeaders(message: {
  id: string;
  /** Seconds since 1970. */
  timestamp: number;
  body: string;
  secret: string;
}): Record<string, string> {
  const { id, timestamp, body, secret } = message;
  const signature = createHmac("sha256", keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": `v1,${signature}` };
}

export interface WebhookParts {
  /** Undefined: nobody is told. */
  webhook: OfflineWebhook | undefined;
  clock: () => number;
  /** Tells the ids of one server from those of another. */
  mark: string;
}

/** Throws DramatisError `invalid-argument`. */
export function createWebhookSender({ webhook, clock, mark }: WebhookParts): WebhookSender {
  if (webhook === undefined) {
    const nothing = () => undefined;
    return { announce: nothing, retry: nothing, settled: () => Promise.resolve(), clear: nothing };
  }
  checkWebhook(webhook);
  const { url, secret, fetch = globalThis.fetch } = webhook;
  const pending = new Set<Delivery>();
  const underWay = new Set<Promise<void>>();
  let count = 0;

  const post = async (event: BatchEvent): Promise<boolean> => {
    const body = JSON.stringify(event);
    const timestamp = Math.floor(clock() / 1000);
    const headers = {
      "content-type": "application/json",
      ...signedHeaders({ id: event.id, timestamp, body, secret }),
    };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
    await response.body?.cancel();
    return response.ok;
  };

  const send = async (delivery: Delivery): Promise<void> => {
    delivery.isUnderWay = true;
    const isTaken = await post(delivery.event).catch(() => false);
    delivery.isUnderWay = false;
    delivery.tries += 1;
    delivery.dueMs = clock() + PAUSE_MS * 2 ** (delivery.tries - 1);
    if (isTaken || delivery.tries === MOST_TRIES) pending.delete(delivery);
  };

  const begin = (delivery: Delivery) => {
    const sending = send(delivery).finally(() => underWay.delete(sending));
    underWay.add(sending);
  };

  return {
    announce({ batchId, status, atMs }) {
      count += 1;
      const event: BatchEvent = {
        object: "event",
        id: `evt_offline_${mark}_${String(count).padStart(ID_DIGITS, "0")}`,
        type: `batch.${status}`,
        created_at: Math.floor(atMs / 1000),
        data: { id: batchId },
      };
      const delivery = { event, tries: 0, dueMs: atMs, isUnderWay: false };
      pending.add(delivery);
      begin(delivery);
    },
    retry() {
      const now = clock();
      for (const delivery of pending) if (!delivery.isUnderWay && delivery.dueMs <= now) begin(delivery);
    },
    async settled() {
      await Promise.all(underWay);
    },
    clear: () => pending.clear(),
  };
}
