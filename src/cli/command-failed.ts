/** A command cannot go on. The message is all the user sees: what is wrong, and what to do. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}
