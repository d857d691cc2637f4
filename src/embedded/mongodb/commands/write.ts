import { toExactValue } from '../bson/values';
import type { RawDocument, RawValue } from '../bson/raw';
import { CommandError } from '../errors';
import { limits } from '../limits';
import { refuseNamespace } from '../storage/catalog';
import { withId } from '../update/apply';
import type { Command, Handler, Reply, ServerState } from './command';
import { parseDeleteStatement, parseUpdateStatement, runDelete, runUpdate } from './statements';

/** insert, update and delete: statement by statement; with ordered: false the others go on when one is refused. */

interface WriteError {
  index: number;
  code: number;
  errmsg: string;
  [extra: string]: unknown;
}

/** Runs the statements in the group's transaction; `execute` returns how many documents the statement touched. */
function runStatements(
  command: Command,
  server: ServerState,
  statements: readonly RawDocument[],
  execute: (statement: RawDocument, index: number) => number,
) {
  const ordered = command.boolean('ordered', true);
  return server.writes.run(command.bytes, () => {
    const writeErrors: WriteError[] = [];
    let n = 0;
    for (let index = 0; index < statements.length; index++) {
      try {
        n += execute(statements[index]!, index);
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        writeErrors.push({ index, code: error.code, errmsg: error.message, ...error.extra });
        if (ordered) break;
      }
    }
    return { n, writeErrors };
  });
}

const insert: Handler = async (command, server): Promise<Reply> => {
  const { ns } = command;
  refuseNamespace(ns);
  const documents = command.batch('documents');
  const { n, writeErrors } = await runStatements(command, server, documents, (document) => {
    if (document.end - document.start > limits.documentBytesMax) {
      throw new CommandError(
        'BSONObjectTooLarge',
        `object to insert too large. size in bytes: ${document.end - document.start}, max size: ${limits.documentBytesMax}`,
      );
    }
    const stored = withId(document);
    (server.catalog.get(ns) ?? server.catalog.create(ns)).insert(stored);
    return 1;
  });
  return { n, ...(writeErrors.length > 0 ? { writeErrors } : {}), ok: 1 };
};

const update: Handler = async (command, server): Promise<Reply> => {
  command.refuse('let');
  const { ns } = command;
  refuseNamespace(ns);
  const statements = command.batch('updates');
  let nModified = 0;
  let upserted: { index: number; id: RawValue }[] = [];
  const { n, writeErrors } = await runStatements(command, server, statements, (statement, index) => {
    // A group that is rolled back runs again from its first statement.
    if (index === 0) {
      nModified = 0;
      upserted = [];
    }
    const outcome = runUpdate(server, ns, parseUpdateStatement(statement), new Date());
    nModified += outcome.modified;
    if (outcome.upsertedId === undefined) return outcome.matched;
    upserted.push({ index, id: outcome.upsertedId });
    return 1;
  });
  return {
    n,
    ...(upserted.length > 0 ? { upserted: upserted.map(({ index, id }) => ({ index, _id: toExactValue(id) })) } : {}),
    nModified,
    ...(writeErrors.length > 0 ? { writeErrors } : {}),
    ok: 1,
  };
};

const remove: Handler = async (command, server): Promise<Reply> => {
  command.refuse('let');
  const { ns } = command;
  const statements = command.batch('deletes');
  const { n, writeErrors } = await runStatements(command, server, statements, (statement) =>
    runDelete(server, ns, parseDeleteStatement(statement)),
  );
  return { n, ...(writeErrors.length > 0 ? { writeErrors } : {}), ok: 1 };
};

export const writeCommands = { insert, update, delete: remove };
