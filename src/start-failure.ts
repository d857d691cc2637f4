/** Why Recount cannot start, in one line for the person starting it: what is wrong, and how to fix it. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';
}

/** One line, whatever was thrown. */
export function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replace(/\s*\n\s*/g, ' ').trim();
}
