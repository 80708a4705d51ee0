/** Addresses that keys are sent to: what they may look like, and which of them an admin key is meant for. Pure. */
import { DramatisError } from "./errors.ts";

export const DEFAULT_BASE_URL = "https://api.openai.com/v1";

type Env = Readonly<Record<string, string | undefined>>;

/** `localhost:8080/v1`, `10.0.0.1:8080`. */
const HOST_ALONE = /^(?:[a-z.]{1,40}|[\d.]{7,15})(?::\d{1,5})?(?:\/v\d)?$/i;

const refuse = (message: string) => new DramatisError("invalid-argument", message);

/**
 * An address that requests can be sent to. What is refused is quoted only where it is a host and no more: it may be a
 * key in the wrong variable, or hold a password.
 *
 * @throws DramatisError `invalid-argument`
 */
export function checkedBaseUrl(baseUrl: string, variable = "OPENAI_BASE_URL"): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url?.username || url?.password) {
    throw refuse(
      `${variable} must not hold a user name or password: they would end up in logs. Use OPENAI_API_KEY.`,
    );
  }
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    const got = HOST_ALONE.test(baseUrl) ? `"${baseUrl}"` : "something else";
    throw refuse(`${variable}: expected an address that begins with http:// or https://, got ${got}.`);
  }
  if (/[?#]/.test(baseUrl)) {
    // Paths are put at its end, so it would not arrive as it was meant.
    throw refuse(`${variable}: expected an address without \`?\` or \`#\`. A key belongs in OPENAI_API_KEY.`);
  }
  return baseUrl;
}

/** Whether a server is OpenAI's own, and can be taken for no other on the way. */
export function isOpenAi(baseUrl: string): boolean {
  const { protocol, hostname } = new URL(baseUrl);
  return protocol === "https:" && /^([a-z\d-]+\.)?api\.openai\.com$/.test(hostname);
}

/**
 * Where an admin key may go: to OPENAI_ADMIN_BASE_URL, which nobody sets by accident, else to OpenAI. Never to whatever
 * other server answers the prompts. Undefined: requests go to another server, and none was named for the admin key.
 *
 * @throws DramatisError `invalid-argument` for a variable that holds no address
 */
export function adminBaseUrl(env: Env, baseUrl: string): string | undefined {
  const named = env.OPENAI_ADMIN_BASE_URL?.trim();
  if (named) return checkedBaseUrl(named, "OPENAI_ADMIN_BASE_URL");
  return isOpenAi(baseUrl) ? baseUrl : undefined;
}
