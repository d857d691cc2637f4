#!/usr/bin/env node
import { run } from './run';
import { oneLine } from './start-failure';
import { supervisedArgument } from './supervisor/messages';

/** The entry of every Recount process. Whatever keeps it from starting is one line on stderr and exit code 1. */
run().catch((error: unknown) => {
  const message = oneLine(error);
  if (process.argv[2] === supervisedArgument && process.send !== undefined) {
    // The supervisor prints it, once, and decides whether to try again.
    process.send({ kind: 'failed', message }, () => process.exit(1));
    return;
  }
  process.stderr.write(`${message}\n`, () => process.exit(1));
});
