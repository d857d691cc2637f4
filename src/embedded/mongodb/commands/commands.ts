import { CommandError } from '../errors';
import { aggregateCommands } from './aggregate';
import { collectionCommands } from './collections';
import type { Command, Handler, Reply, ServerState } from './command';
import { diagnosticCommands } from './diagnostics';
import { findAndModifyCommands } from './find-and-modify';
import { indexCommands } from './indexes';
import { readCommands } from './read';
import { writeCommands } from './write';
import { refuseUnmetWriteConcern } from './write-concern';

/** By lower-cased name: MongoDB spells a few commands in two ways. */
const handlers = new Map<string, Handler>(
  Object.entries({
    ...diagnosticCommands,
    ...writeCommands,
    ...findAndModifyCommands,
    ...readCommands,
    ...aggregateCommands,
    ...indexCommands,
    ...collectionCommands,
  }),
);

/** Throws CommandError. Read concerns need no look: every write is on disk before its answer, and every read sees only such. */
export function execute(command: Command, server: ServerState): Reply | Promise<Reply> {
  const handler = handlers.get(command.name.toLowerCase());
  if (handler === undefined) throw new CommandError('CommandNotFound', `no such command: '${command.name}'`);
  if (command.has('startTransaction') || (command.has('autocommit') && command.has('txnNumber'))) {
    throw new CommandError('IllegalOperation', 'Transaction numbers are only allowed on a replica set member or mongos');
  }
  refuseUnmetWriteConcern(command);
  return handler(command, server);
}
