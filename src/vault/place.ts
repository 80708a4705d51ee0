/** Where the vault is, by the environment alone. Pure. */
import { dirname, isAbsolute, join, resolve } from "node:path";

/** Environment variables. */
export type Env = Readonly<Record<string, string | undefined>>;

export interface Place {
  /** The file of encrypted keys. */
  readonly file: string;
  readonly folder: string;
  /** True when the folder is Dramatis's own, so that nobody else has any business in it. */
  readonly isOwnFolder: boolean;
  /** The encryption key, unless a variable says otherwise. */
  readonly ownKeyFile: string;
}

/** A variable that holds nothing but spaces is not set. */
export const setIn = (env: Env, name: string): string | undefined => env[name]?.trim() || undefined;

/**
 * The file that DRAMATIS_VAULT names, else `dramatis/keys.json` in the user's folder for configuration:
 * https://specifications.freedesktop.org/basedir-spec/latest/. Undefined where there is no such folder.
 */
export function vaultPlace(env: Env): Place | undefined {
  const named = setIn(env, "DRAMATIS_VAULT");
  if (named !== undefined) return placeOf(resolve(named), false);
  const config = configFolder(env);
  return config === undefined ? undefined : placeOf(join(config, "dramatis", "keys.json"), true);
}

/** The place of a vault in a file of any name. */
export function placeOf(file: string, isOwnFolder: boolean): Place {
  const folder = dirname(file);
  return { file, folder, isOwnFolder, ownKeyFile: join(folder, "vault.key") };
}

function configFolder(env: Env): string | undefined {
  const config = setIn(env, "XDG_CONFIG_HOME");
  if (config !== undefined && isAbsolute(config)) return config; // The specification ignores relative ones.
  const home = setIn(env, "HOME") ?? setIn(env, "USERPROFILE");
  return home === undefined ? undefined : join(home, ".config");
}
