import { Command } from 'commander';
import { runDemo } from './demo/run-demo';
import { demoEvents } from './demo/story';
import { wholeNumber } from './whole-number';

/** `recount demo`, also `npm run demo`. */
export function demoCommand(): Command {
  return new Command('demo')
    .description("start Recount with its own stores, send it a shop's month of traffic, and show what it counted")
    .option('--events <n>', 'about how many events the month has', wholeNumber('--events', 1_000, 10_000_000), demoEvents)
    .addHelpText(
      'after',
      `
Registers the merchant "demo", sends some 200,000 events (--events) of the last 30 days over RSocket, prints a report, and keeps running until
Ctrl-C. Started again on the same data, it sends nothing twice. Takes the same environment variables as recount start.

Examples:
  $ recount demo
  $ DATA_DIR=/tmp/recount-demo HTTP_PORT=0 recount demo`,
    )
    .action(({ events }: { events: number }) => runDemo(events));
}
