/**
 * A program's listener, whose own mistakes are told elsewhere: what it throws does not reach whoever holds the conversation,
 * which was paid for and goes on.
 */
export function harmless<Conversation, Rest extends readonly unknown[]>(
  listener: ((conversation: Conversation, ...rest: Rest) => void) | undefined,
  onThrown: (conversation: Conversation, error: unknown) => void,
): (conversation: Conversation, ...rest: Rest) => void {
  return (conversation, ...rest) => {
    try {
      listener?.(conversation, ...rest);
    } catch (error) {
      onThrown(conversation, error);
    }
  };
}
