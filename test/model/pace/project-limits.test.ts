import { describe, expect, it } from "vitest";
import { DramatisError } from "../../../src/domain/errors.ts";
import { readProjectLimits } from "../../../src/model/pace/project-limits.ts";

const KEY = "sk-admin-marked-key-0123456789";

/** The endpoint's documented shape. */
const row = (id: string, model: string, requests: unknown, tokens: unknown) => ({
  object: "project.rate_limit",
  id,
  model,
  max_requests_per_1_minute: requests,
  max_tokens_per_1_minute: tokens,
});

const page = (data: unknown[], hasMore: boolean) => {
  const ids = (data as { id: string }[]).map(({ id }) => id);
  return { object: "list", data, first_id: ids.at(0), last_id: ids.at(-1), has_more: hasMore };
};

function stub(answer: (url: URL) => Response) {
  const requests: Request[] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    requests.push(request);
    return answer(new URL(request.url));
  };
  return { fetch, requests };
}

const read = (fetch: typeof globalThis.fetch) =>
  readProjectLimits({ adminKey: KEY, project: "proj_abc", baseUrl: "https://provider.test/v1", fetch });

async function errorOf(promise: Promise<unknown>): Promise<DramatisError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof DramatisError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("a project's limits", () => {
  it("are read from all pages, with the admin key", async () => {
    const { fetch, requests } = stub((url) =>
      url.searchParams.get("after") === "rl-2"
        ? Response.json(page([row("rl-3", "o3", 1000, 100_000)], false))
        : Response.json(
            page([row("rl-1", "gpt-4.1", 500, 30_000), row("rl-2", "gpt-4.1-mini", 600, 60_000)], true),
          ),
    );
    expect(await read(fetch)).toEqual(
      new Map([
        ["gpt-4.1", { requestsPerMinute: 500, tokensPerMinute: 30_000 }],
        ["gpt-4.1-mini", { requestsPerMinute: 600, tokensPerMinute: 60_000 }],
        ["o3", { requestsPerMinute: 1000, tokensPerMinute: 100_000 }],
      ]),
    );
    expect(requests.map(({ url }) => url)).toEqual([
      "https://provider.test/v1/organization/projects/proj_abc/rate_limits?limit=100",
      "https://provider.test/v1/organization/projects/proj_abc/rate_limits?limit=100&after=rl-2",
    ]);
    expect(requests.map(({ headers }) => headers.get("authorization"))).toEqual([
      `Bearer ${KEY}`,
      `Bearer ${KEY}`,
    ]);
  });

  it("are unknown where the provider says nothing sensible", async () => {
    const { fetch } = stub(() =>
      Response.json(
        page([row("rl-1", "a", 0, "many"), row("rl-2", "b", null, 5000), row("rl-3", "", 1, 1)], false),
      ),
    );
    expect(await read(fetch)).toEqual(
      new Map([
        ["a", { requestsPerMinute: undefined, tokensPerMinute: undefined }],
        ["b", { requestsPerMinute: undefined, tokensPerMinute: 5000 }],
      ]),
    );
  });

  it.each([
    [401, "invalid-argument", "OPENAI_ADMIN_KEY"],
    [403, "invalid-argument", "must be an admin key"],
    [404, "invalid-argument", "Check the project's id"],
    [500, "run-failed", "set the limits by hand"],
  ])("a %i says what to do, and never the key", async (status, code, advice) => {
    const { fetch } = stub(() =>
      Response.json(
        { error: { message: `Key ${KEY} is not allowed.`, type: "x", code: "y", param: null } },
        { status, headers: { "x-should-retry": "false" } },
      ),
    );
    const error = await errorOf(read(fetch));
    expect(error.code).toBe(code);
    expect(error.message).toContain("proj_abc");
    expect(error.message).toContain(advice);
    expect(JSON.stringify([error.message, error.stack, error.cause])).not.toContain(KEY);
  });

  it("end with an error for a server that never stops paging", async () => {
    let count = 0;
    const { fetch, requests } = stub(() => {
      count += 1;
      return Response.json(page([row(`rl-${count}`, `m${count}`, 1, 1)], true));
    });
    const error = await errorOf(read(fetch));
    expect(error.message).toMatch(/at most 50 pages/);
    expect(requests.length).toBeLessThanOrEqual(51);
  });

  it.each(["[]", '{"data":[]}', '{"data":5}', '{"data":[null]}', "no json", "null"])(
    "are an error when the answer is %s",
    async (body) => {
      const { fetch } = stub(() => new Response(body, { headers: { "content-type": "application/json" } }));
      expect((await errorOf(read(fetch))).code).toBe("run-failed");
    },
  );

  it("need a key and a project", async () => {
    expect((await errorOf(readProjectLimits({ adminKey: "", project: "p" }))).message).toContain(
      "OPENAI_ADMIN_KEY",
    );
    expect((await errorOf(readProjectLimits({ adminKey: KEY, project: "" }))).message).toContain("proj_abc");
  });

  it("stop with the signal's reason", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const { fetch } = stub(() => {
      controller.abort(reason);
      return Response.json(page([], false));
    });
    const options = {
      adminKey: KEY,
      project: "p",
      baseUrl: "https://provider.test",
      signal: controller.signal,
      fetch,
    };
    controller.abort(reason);
    await expect(readProjectLimits(options)).rejects.toBe(reason);
  });
});

it("follow no redirect, which would take the admin key to another address", async () => {
  const { fetch, requests } = stub(
    () => new Response(null, { status: 307, headers: { location: "https://evil.test/" } }),
  );
  expect(await errorOf(read(fetch))).toMatchObject({ code: "run-failed" });
  expect(requests.map(({ redirect }) => redirect)).toEqual(["manual"]);
});
