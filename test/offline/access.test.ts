import { describe, expect, it } from "vitest";
import { createAccessCheck } from "../../src/offline/access.ts";
import { ApiError } from "../../src/offline/api-error.ts";

const CHAT = "/v1/chat/completions";
const LIMITS = "/v1/organization/projects/proj_offline/rate_limits";

const verdict = async (options: Parameters<typeof createAccessCheck>[0], path: string, key?: string) => {
  try {
    const refusal = createAccessCheck(options)(path, key && `Bearer ${key}`);
    return refusal === undefined ? "passes" : `${refusal.status} ${await refusal.text()}`;
  } catch (error) {
    if (error instanceof ApiError) return `${error.status} ${error.message}`;
    throw error;
  }
};

describe("keys", () => {
  const both = { apiKey: "sk-right", adminKey: "sk-admin-right" };

  it.each([
    ["anything, where none is set", {}, CHAT, "sk-any", "passes"],
    ["nothing, where none is set", {}, CHAT, undefined, "passes"],
    ["the API key, for models", both, CHAT, "sk-right", "passes"],
    ["the admin key, for the organization", both, LIMITS, "sk-admin-right", "passes"],
    ["any key for models, where only an admin key is set", { adminKey: "a" }, CHAT, "sk-any", "passes"],
  ])("open: %s", async (_why, options, path, key, expected) => {
    expect(await verdict(options, path, key)).toBe(expected);
  });

  it.each([
    ["the admin key, for models", both, CHAT, "sk-admin-right", /^401 .*Missing scopes: model\.request\./],
    [
      "the API key, for the organization",
      both,
      LIMITS,
      "sk-right",
      /^401 \{"error":"You have insufficient permissions .*Missing scopes: api\.management\.read\./,
    ],
    [
      "any key for the organization, where no admin key is set",
      {},
      LIMITS,
      "sk-any",
      /^401 .*Missing scopes/,
    ],
    ["no key, for the organization", {}, LIMITS, undefined, /^401 You didn't provide an API key/],
    ["no key, for models", both, CHAT, undefined, /^401 You didn't provide an API key/],
    [
      "a wrong key, for the organization",
      both,
      LIMITS,
      "sk-wrong",
      /^401 Incorrect API key provided: \*+\.$/,
    ],
  ])("do not open: %s", async (_why, options, path, key, expected) => {
    expect(await verdict(options, path, key)).toMatch(expected);
  });
});
