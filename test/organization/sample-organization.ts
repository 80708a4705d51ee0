/** An offline server with an organization, and ways to break what it answers. */
import { loadCatalog } from "../../src/catalog/catalog.ts";
import { DramatisError } from "../../src/domain/errors.ts";
import type { PastCharge } from "../../src/offline/past-charge.ts";
import { createOfflineServer } from "../../src/offline/server.ts";
import type { ReportOptions } from "../../src/organization/options.ts";

export const ADMIN_KEY = "sk-admin-marked-key-0123456789";
export const DAY = 86_400_000;
export const MINUTE = 60_000;
/** 2026-11-20, 10:30:20 UTC. */
export const NOW = Date.UTC(2026, 10, 20, 10, 30, 20);
export const TODAY = Date.UTC(2026, 10, 20);

/** The models of the catalog and one without a price. */
export const MODELS = [
  ...loadCatalog().models.values(),
  { id: "mine", contextWindow: 8000, maxOutput: 1000 },
];

export function startOrganization() {
  const server = createOfflineServer({ models: MODELS, adminKey: ADMIN_KEY, clock: () => NOW });
  const access = {
    adminKey: ADMIN_KEY,
    baseUrl: "http://provider.test/v1",
    fetch: server.fetch,
    clock: () => NOW,
  };
  return { server, access };
}

export const past = (at: number, more: Partial<PastCharge> = {}): PastCharge => ({
  at,
  model: "gpt-4.1",
  inputTokens: 3000,
  cachedInputTokens: 1024,
  outputTokens: 500,
  ...more,
});

/** Answers in place of the server where `answer` gives something. */
export function interrupted(
  fetch: typeof globalThis.fetch,
  answer: (count: number, url: URL) => Response | undefined | Promise<Response | undefined>,
) {
  const urls: URL[] = [];
  const broken: typeof globalThis.fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    urls.push(url);
    return (await answer(urls.length, url)) ?? (await fetch(input, init));
  };
  return { fetch: broken, urls };
}

/** An error of the provider, which may be tried again at once. */
export const errorResponse = (status: number, message: string, headers: Record<string, string> = {}) =>
  Response.json(
    { error: { message, type: "x", param: null, code: null } },
    { status, headers: { "retry-after-ms": "1", ...headers } },
  );

/** All that a report yields. */
export async function all<T>(report: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of report) items.push(item);
  return items;
}

export async function errorOf(report: AsyncIterable<unknown>): Promise<DramatisError> {
  try {
    await all(report);
  } catch (error) {
    if (error instanceof DramatisError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

export const since = (days: number, access: Omit<ReportOptions, "since">): ReportOptions => ({
  ...access,
  since: TODAY - days * DAY,
});
