import { Command } from 'commander';
import { Api, withApiOptions, type ApiOptions } from './api';
import { importAccessLog, type ImportOptions } from './access-log/import';
import { CommandFailed } from './command-failed';
import { variable } from './variables';

/** `recount import`: history from elsewhere. */
export function importCommand(): Command {
  const accessLog = new Command('access-log')
    .argument('<file>', "a web server's log in Common or Combined Log Format, plain or .gz")
    .requiredOption('--merchant <id>', 'whose traffic it is')
    .option('--create', 'register the merchant when there is none with this id')
    .option('--timezone <name>', 'with --create: where its days begin and end', 'UTC')
    .option('--rsocket <url>', 'where events are sent; default: the host of --url, port RSOCKET_TCP_PORT')
    .option('--site <url>', 'put before each path, for reports by hostname, such as https://shop.example', '')
    .option('--since <time>', 'only lines from this time on, such as 2026-05-17 or 2026-05-17T10:05:00Z')
    .option('--again', 'import a file that was imported before, although its events may then be counted twice')
    .description('import the access log of Apache httpd, nginx or any server that writes the same format')
    .addHelpText(
      'after',
      `
A line whose method is GET, whose status is 200 or 304, and whose path before "?" has no extension in its last segment or one of
html, htm, xhtml, php, becomes a page_view. Every other line becomes an event named request. A visitor is an address with a user
agent; the address itself is resolved to a country and not kept. Crawlers are counted as bots and left out of reports by default
(bots=include shows them).

An event keeps its id over imports, so a file imported again within half an hour counts nothing twice. Later, the import asks for --again.

Examples:
  $ recount import access-log /var/log/nginx/access.log --merchant blog --create
  $ recount import access-log access.log.2.gz --merchant blog --site https://blog.example
  $ recount import access-log access.log --merchant blog --since 2026-05-17 --again`,
    );
  withApiOptions(accessLog).action(async (file: string, options: ImportFlags) => {
    const since = options.since === undefined ? undefined : Date.parse(options.since);
    if (Number.isNaN(since))
      throw new CommandFailed(`--since is ${JSON.stringify(options.since)}, allowed: a date or a time such as 2026-05-17T10:05:00Z`);
    await importAccessLog(Api.from(options), { ...options, file, since, rsocket: options.rsocket ?? defaultRsocket(options.url) });
  });
  return new Command('import').description('send history from elsewhere through the SDK').addCommand(accessLog);
}

type ImportFlags = ApiOptions & Omit<ImportOptions, 'file' | 'since' | 'rsocket'> & { since?: string; rsocket?: string };

function defaultRsocket(url: string): string {
  try {
    return `tcp://${new URL(url).hostname}:${variable('RSOCKET_TCP_PORT') ?? 7878}`;
  } catch {
    throw new CommandFailed(`--url is ${JSON.stringify(url)}, allowed: an address such as http://127.0.0.1:8080`);
  }
}
