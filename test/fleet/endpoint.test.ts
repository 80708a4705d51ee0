/** What a worker answers over HTTP, and where it cannot listen. */
import { expect, it } from "vitest";
import { type EndpointParts, endpointApp, openEndpoint, WEBHOOK_PATH } from "../../src/fleet/endpoint.ts";

const parts = (changed: Partial<EndpointParts> = {}): EndpointParts => ({
  port: 0,
  host: "127.0.0.1",
  checkStore: async () => undefined,
  isStopping: () => false,
  metrics: { contentType: "text/plain; version=0.0.4; charset=utf-8", text: async () => "dramatis_up 1\n" },
  ...changed,
});

const get = async (path: string, changed?: Partial<EndpointParts>) => {
  const answer = await endpointApp(parts(changed)).request(path);
  return { status: answer.status, text: await answer.text() };
};

it("is ready while its store answers and it is not stopping, and alive in any case", async () => {
  const lost = { checkStore: () => Promise.reject(new Error("postgres://user:MARKED@host")) };
  expect(await get("/readyz")).toEqual({ status: 200, text: "ok\n" });
  expect(await get("/readyz", { isStopping: () => true })).toEqual({ status: 503, text: "stopping\n" });
  expect(await get("/readyz", lost)).toEqual({ status: 503, text: "the store cannot be reached\n" });
  expect(await get("/healthz", { ...lost, isStopping: () => true })).toEqual({ status: 200, text: "ok\n" });
});

it("takes events only where it can check them, short ones only, and says nothing of what is wrong", async () => {
  const post = async (body: string, hear: EndpointParts["hear"]) => {
    const app = endpointApp(parts({ hear }));
    const answer = await app.request(WEBHOOK_PATH, { method: "POST", body, headers: { "webhook-id": "1" } });
    return { status: answer.status, text: await answer.text() };
  };
  expect((await post("{}", undefined)).status).toBe(404);
  const heard: string[] = [];
  const hear = async ({ body, headers }: { body: string; headers: Headers }) => {
    heard.push(`${headers.get("webhook-id")} ${body}`);
    return body === "forged" ? "refused" : "ignored";
  };
  expect(await post("{}", hear)).toEqual({ status: 200, text: "ok\n" });
  expect(await post("forged", hear)).toEqual({ status: 400, text: "refused\n" });
  expect(heard).toEqual(["1 {}", "1 forged"]);
  expect((await post("x".repeat(64 * 1024 + 1), hear)).status).toBe(413);
  expect(heard).toHaveLength(2);
  const lost = () => Promise.reject(new Error("postgres://user:MARKED@host"));
  expect(await post("{}", lost)).toEqual({ status: 503, text: "not now\n" });
  expect((await get(WEBHOOK_PATH, { hear })).status).toBe(404);
});

it("answers on this machine, and says when a port is taken", async () => {
  const first = await openEndpoint(parts());
  expect(first.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await (await fetch(`${first.url}/metrics`)).text()).toBe("dramatis_up 1\n");
  const port = Number(new URL(first.url).port);
  await expect(openEndpoint(parts({ port }))).rejects.toMatchObject({
    code: "port-in-use",
    message: expect.stringContaining(String(port)),
  });
  await first.close();
  await (await openEndpoint(parts({ port }))).close();
});

it("says when an address is none of this machine's", async () => {
  await expect(openEndpoint(parts({ host: "192.0.2.1" }))).rejects.toMatchObject({
    code: "invalid-argument",
    message: expect.stringContaining("--host"),
  });
});
