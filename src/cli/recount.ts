#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { readDotEnv } from '../read-configuration';
import { oneLine } from '../start-failure';
import { demoCommand } from './demo-command';
import { importCommand } from './import-command';
import { logCommand } from './log-command';
import { rebuildsCommand } from './rebuilds-command';
import { resetCommand } from './reset-command';
import { startCommand } from './start-command';
import { statusCommand } from './status-command';

// Before the commands are made: what `.env` sets shows in the defaults of their help.
readDotEnv();

const program = new Command('recount')
  .description('Event-sourced analytics: exact counts, seconds behind, recountable at any time without downtime.')
  .showHelpAfterError('(recount --help shows every command, recount COMMAND --help its options)')
  .addHelpText(
    'after',
    `
Examples:
  $ recount demo                                          a shop's month of traffic, counted before your eyes
  $ recount start                                         Recount alone, with its own stores under ./data
  $ recount import access-log access.log --merchant blog  count a web server's log
  $ recount status                                        is it healthy, and how far behind are the numbers
  $ recount reset traffic --watch                         count the history again, while the old numbers serve
  $ recount rebuilds                                      what is being counted again, and how far it is`,
  );
for (const command of [startCommand(), demoCommand(), importCommand(), statusCommand(), logCommand(), resetCommand(), rebuildsCommand()]) {
  program.addCommand(command);
}

program.parseAsync().catch((error: unknown) => {
  // Commander has printed its own errors already.
  if (error instanceof CommanderError) process.exit(error.exitCode);
  process.stderr.write(`${oneLine(error)}\n`, () => process.exit(1));
});
