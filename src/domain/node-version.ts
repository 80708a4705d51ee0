/** The oldest Node that this package runs on, as `engines` in package.json says it. */
import { DramatisError } from "./errors.ts";

export const OLDEST_NODE = "22.12";

/**
 * Throws where Node is older. npm only warns of it, and what is missing there comes up in mid-run: as an answer of the
 * offline server that fails, and is asked for again for half a minute.
 */
export function checkNode(version: string = process.versions.node): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE.split(".").map(Number);
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  const message = `Dramatis needs Node ${OLDEST_NODE} or newer; this is Node ${version}. Start it with a newer one.`;
  throw new DramatisError("invalid-argument", message);
}
