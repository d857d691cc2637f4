import { Command } from 'commander';
import { run } from '../run';

/** `recount start`: what `npm start` does. */
export function startCommand(): Command {
  return new Command('start')
    .description('start Recount, with its own stores unless EVENTSTORE_URL and MONGODB_URL name others')
    .addHelpText(
      'after',
      `
Everything is set by environment variables or a .env file; .env.example lists them. When all listens, one line is printed:
  ready http=8080 rsocket-tcp=7878 rsocket-ws=7879

Examples:
  $ recount start
  $ DATA_DIR=/var/lib/recount HTTP_PORT=80 recount start
  $ ROLES=projecting EVENTSTORE_URL=esdb://log:2113?tls=false MONGODB_URL=mongodb://db:27017 recount start`,
    )
    .action(() => run());
}
