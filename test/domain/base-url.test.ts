/** Addresses that keys are sent to: nothing secret in one is ever shown, and an admin key goes where it was meant to. */
import { describe, expect, it } from "vitest";
import { adminBaseUrl, checkedBaseUrl, isOpenAi } from "../../src/domain/base-url.ts";

const MARK = "MARKED0123456789";

describe("checkedBaseUrl", () => {
  it.each(["https://api.openai.com/v1", "http://127.0.0.1:8080/v1", "http://[::1]:1/v1/"])(
    "takes %s as it is",
    (url) => expect(checkedBaseUrl(url)).toBe(url),
  );

  it.each(["localhost:8080/v1", "10.0.0.1:8080", "api.openai.com", "nonsense"])(
    "quotes %s, which is a host and no more",
    (url) => expect(() => checkedBaseUrl(url)).toThrow(`got "${url}".`),
  );

  it.each([
    `http://user:${MARK}@127.0.0.1/v1`,
    `user:${MARK}@127.0.0.1/v1`,
    `//user:${MARK}@127.0.0.1/v1`,
    `http://a b:${MARK}@host`,
    `sk-proj-${MARK}`,
    `ftp://127.0.0.1/${MARK}`,
    `https://127.0.0.1/v1?api-key=${MARK}`,
    `https://127.0.0.1/v1#${MARK}`,
  ])("refuses %s and repeats no part of it", (url) => {
    const check = () => checkedBaseUrl(url, "THE_VARIABLE");
    expect(check).toThrow(/^THE_VARIABLE/);
    expect(check).not.toThrow(MARK);
  });
});

describe("isOpenAi", () => {
  it.each(["https://api.openai.com/v1", "https://eu.api.openai.com/v1"])("%s", (url) =>
    expect(isOpenAi(url)).toBe(true),
  );

  it.each([
    "http://api.openai.com/v1",
    "https://api.openai.com.evil.test/v1",
    "https://evil-api.openai.com/v1",
    "https://evilopenai.com/v1",
    "https://openai.com.evil.test/api.openai.com",
    "http://127.0.0.1:1/api.openai.com",
  ])("not %s", (url) => expect(isOpenAi(url)).toBe(false));
});

describe("adminBaseUrl", () => {
  const PROXY = "https://proxy.test/v1";

  it("is OpenAI's where requests go there", () =>
    expect(adminBaseUrl({}, "https://eu.api.openai.com/v1")).toBe("https://eu.api.openai.com/v1"));

  it("is no other server's, unless one is named for the admin key", () => {
    expect(adminBaseUrl({ OPENAI_BASE_URL: PROXY, OPENAI_ADMIN_BASE_URL: " " }, PROXY)).toBeUndefined();
    expect(adminBaseUrl({ OPENAI_ADMIN_BASE_URL: PROXY }, "http://127.0.0.1:1/v1")).toBe(PROXY);
  });

  it("is refused where it is none", () =>
    expect(() => adminBaseUrl({ OPENAI_ADMIN_BASE_URL: "nonsense" }, PROXY)).toThrow(
      /OPENAI_ADMIN_BASE_URL/,
    ));
});
