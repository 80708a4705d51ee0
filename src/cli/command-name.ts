/** What the user types to start this program. */

/** In this repository, and wherever a script of that name starts it, the program is reached through npm. */
export function commandName(env: Readonly<Record<string, string | undefined>>): string {
  const isScript = env.npm_lifecycle_event === "dramatis" || env.npm_package_name === "dramatis";
  return isScript ? "npm run -s dramatis --" : "dramatis";
}
