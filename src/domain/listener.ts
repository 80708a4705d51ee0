/**
 * A program's listener, whose own mistakes are told elsewhere: what it throws does not reach whoever holds what was paid for,
 * and goes on.
 * @param onThrown told what the listener was told of, and what it threw
 */
export function harmless<Told, Rest extends readonly unknown[]>(
  listener: ((told: Told, ...rest: Rest) => void) | undefined,
  onThrown: (told: Told, error: unknown) => void,
): (told: Told, ...rest: Rest) => void {
  return (told, ...rest) => {
    try {
      listener?.(told, ...rest);
    } catch (error) {
      onThrown(told, error);
    }
  };
}
