import { Command } from 'commander';
import { Api, withApiOptions, type ApiOptions } from './api';
import { CommandFailed } from './command-failed';
import { paceOf, shownDiff, shownWarning, standing, watch, type Rebuild } from './rebuild';
import { grouped, table } from './table';

const listedMax = 20;

/** `recount rebuilds`: what is being counted again, and what is to become of it. */
export function rebuildsCommand(): Command {
  const command = withApiOptions(new Command('rebuilds'))
    .description('what is or was counted again; switch to it, stop it, go back')
    .option('--all', `every one there is a record of, not only the newest ${listedMax}`)
    .addHelpText(
      'after',
      `
Examples:
  $ recount rebuilds
  $ recount rebuilds show g7-traffic
  $ recount rebuilds promote g7-traffic`,
    )
    .action(async (options: ApiOptions & { all?: boolean }) => {
      const { rebuilds } = await Api.from(options).get<{ rebuilds: Rebuild[] }>('/admin/rebuilds');
      process.stdout.write(`${listed(options.all ? rebuilds : rebuilds.slice(0, listedMax), rebuilds.length)}\n`);
    });
  const ofOne = (name: string, description: string, action: (api: Api, rebuildId: string) => Promise<void>): Command =>
    withApiOptions(new Command(name))
      .argument('<rebuild>', 'as recount rebuilds lists them')
      .description(description)
      .addHelpText('after', `\nExamples:\n  $ recount rebuilds ${name} g7-traffic`)
      // The command above has the same options and takes them wherever they stand, also behind the name of this one.
      .action((rebuildId: string, _options: ApiOptions, self: Command) => action(Api.from(self.optsWithGlobals<ApiOptions>()), rebuildId));
  command.addCommand(ofOne('show', 'how far it is, and what it changes', show));
  command.addCommand(ofOne('watch', 'stay and show the progress', watch));
  command.addCommand(promoteCommand());
  command.addCommand(ofOne('cancel', 'stop it; what serves is not touched', wish('cancel', 'is being stopped')));
  command.addCommand(ofOne('rollback', 'let the numbers before it serve again', wish('rollback', 'is being taken back')));
  return command;
}

function listed(rebuilds: readonly Rebuild[], total: number): string {
  if (total === 0) return 'Nothing was ever counted again.';
  const rows = rebuilds.map((rebuild) => [
    rebuild.rebuildId,
    rebuild.state + (rebuild.wish === undefined ? '' : ` (${rebuild.wish} asked for)`),
    scopeOf(rebuild),
    String(rebuild.version),
    `${grouped(rebuild.eventsRead)} of ${grouped(rebuild.eventsTotal)}`,
    rebuild.requestedAt,
  ]);
  const columns = [
    { title: 'rebuild' },
    { title: 'state' },
    { title: 'of' },
    { title: 'version', align: 'right' as const },
    { title: 'events', align: 'right' as const },
    { title: 'asked for' },
  ];
  const more = total > rebuilds.length ? `\n${grouped(total - rebuilds.length)} older ones: recount rebuilds --all` : '';
  return table(columns, rows) + more;
}

function scopeOf({ merchantId, from, to }: Rebuild): string {
  const days = [from && `from ${from}`, to && `to ${to}`].filter(Boolean).join(' ');
  return [merchantId ?? 'everyone', days].filter(Boolean).join(', ');
}

async function show(api: Api, rebuildId: string): Promise<void> {
  const rebuild = await standing(api, rebuildId);
  process.stdout.write(`${listed([rebuild], 1)}\n`);
  if (rebuild.state === 'building') process.stdout.write(`\nNow${paceOf(rebuild)}\n`);
  if (rebuild.failure !== undefined) process.stdout.write(`\n${rebuild.failure}\n`);
  if (rebuild.diff !== undefined) process.stdout.write(`\n${shownDiff(rebuild.diff)}`);
  if (rebuild.warning !== undefined) process.stdout.write(`\n${shownWarning(rebuild.warning)}\n`);
}

function promoteCommand(): Command {
  const promote = wish('promote', 'is being switched to');
  return withApiOptions(new Command('promote'))
    .argument('[rebuild]', 'as recount rebuilds lists them')
    .description('let its numbers serve')
    .option('--all', 'every one that waits for it, but for those that were rolled back')
    .addHelpText('after', `\nExamples:\n  $ recount rebuilds promote g7-traffic\n  $ recount rebuilds promote --all`)
    .action(async (rebuildId: string | undefined, _options: ApiOptions, self: Command) => {
      const options = self.optsWithGlobals<ApiOptions & { all?: boolean }>();
      if ((rebuildId === undefined) === (options.all !== true)) throw new CommandFailed('Give one rebuild, or --all.');
      const api = Api.from(options);
      for (const id of rebuildId === undefined ? await waiting(api) : [rebuildId]) await promote(api, id);
    });
}

/** Those that nothing but a word of the operator keeps from serving. */
async function waiting(api: Api): Promise<string[]> {
  const { rebuilds } = await api.get<{ rebuilds: Rebuild[] }>('/admin/rebuilds');
  const found = rebuilds.filter(({ state, promote, promotedAt, wish: asked }) => {
    return state === 'caught-up' && promote === 'manual' && promotedAt === undefined && asked === undefined;
  });
  if (found.length === 0) throw new CommandFailed('No rebuild waits to be promoted.');
  return found.map(({ rebuildId }) => rebuildId);
}

function wish(name: 'promote' | 'cancel' | 'rollback', said: string): (api: Api, rebuildId: string) => Promise<void> {
  return async (api, rebuildId) => {
    await api.post(`/admin/rebuilds/${encodeURIComponent(rebuildId)}/${name}`);
    process.stdout.write(`${rebuildId} ${said}; it takes a few seconds (recount rebuilds show ${rebuildId})\n`);
  };
}
