import { Command } from 'commander';
import { runDemo } from './demo/run-demo';

/** `recount demo`, also `npm run demo`. */
export function demoCommand(): Command {
  return new Command('demo')
    .description("start Recount with its own stores, send it a shop's month of traffic, and show what it counted")
    .addHelpText(
      'after',
      `
Registers the merchant "demo", sends some 200,000 events of the last 30 days over RSocket, prints a report, and keeps running until
Ctrl-C. Started again on the same data, it sends nothing twice. Takes the same environment variables as recount start.

Examples:
  $ recount demo
  $ DATA_DIR=/tmp/recount-demo HTTP_PORT=0 recount demo`,
    )
    .action(() => runDemo());
}
