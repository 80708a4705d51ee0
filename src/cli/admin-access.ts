/** The admin key and where it may go, or what is missing. */
import type { AdminAccess } from "../admin/client.ts";
import { adminBaseUrl, checkedBaseUrl, DEFAULT_BASE_URL } from "../domain/base-url.ts";
import { DramatisError } from "../domain/errors.ts";
import { findKey } from "../vault/find-key.ts";
import { commandName } from "./command-name.ts";
import type { Terminal } from "./terminal.ts";

const refuse = (message: string) => new DramatisError("invalid-argument", message);

/** @throws DramatisError where there is no admin key, or no server that it is meant for */
export function adminAccess({ env }: Pick<Terminal, "env">): AdminAccess & { baseUrl: string } {
  const command = commandName(env);
  const key = findKey("admin", { env })?.key;
  if (key === undefined) {
    throw refuse(
      `What an organization spent is known to the provider, which tells it to an admin key; there is none, and no offline answer to it. An owner of the organization makes one at platform.openai.com/settings/organization/admin-keys. To keep it: ${command} keys add --admin. Or set OPENAI_ADMIN_KEY. To rehearse without one: ${command} offline`,
    );
  }
  const answering = checkedBaseUrl(env.OPENAI_BASE_URL?.trim() || DEFAULT_BASE_URL);
  const baseUrl = adminBaseUrl(env, answering);
  if (baseUrl !== undefined) return { adminKey: key, baseUrl };
  throw refuse(
    `The admin key is not sent to ${new URL(answering).host}, which answers the prompts. Where that server knows what an organization spent, set OPENAI_ADMIN_BASE_URL; for OpenAI's, set it to ${DEFAULT_BASE_URL}`,
  );
}
