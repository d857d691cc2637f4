import { Command } from 'commander';
import { Api, withApiOptions, type ApiOptions } from './api';
import { CommandFailed } from './command-failed';
import { watch } from './rebuild';

interface ResetOptions extends ApiOptions {
  all?: boolean;
  merchant?: string;
  from?: string;
  to?: string;
  manual?: boolean;
  watch?: boolean;
}

/** `recount reset`: the history again, beside the numbers that serve. */
export function resetCommand(): Command {
  return withApiOptions(new Command('reset'))
    .argument('[projection]', 'which numbers, such as traffic or commerce; recount status lists them')
    .description('count the history again, while the old numbers serve, and switch when the new ones are complete')
    .option('--all', 'all numbers, counted in one pass over the log')
    .option('--merchant <id>', "one merchant's numbers only")
    .option('--from <day>', 'from this day on, by the days of the merchant')
    .option('--to <day>', 'up to and with this day')
    .option('--manual', 'do not switch by itself: wait for recount rebuilds promote')
    .option('--watch', 'stay and show the progress, and with --manual what would change')
    .addHelpText(
      'after',
      `
Nothing is deleted: the new numbers are built in places of their own, from the log, and readers move over in one step.

Examples:
  $ recount reset traffic --watch
  $ recount reset --all --watch
  $ recount reset commerce --merchant shop --from 2026-03-01 --to 2026-03-31
  $ recount reset sessions --manual --watch`,
    )
    .action(async (projection: string | undefined, options: ResetOptions) => {
      if ((projection === undefined) === (options.all !== true)) throw new CommandFailed('Give one projection, or --all.');
      const api = Api.from(options);
      const names = projection === undefined ? await countedNow(api) : [projection];
      // Together, so that one pass over the log counts them all.
      const asked = await Promise.allSettled(names.map((name) => ask(api, name, options)));
      for (const one of asked)
        if (one.status === 'fulfilled') process.stdout.write(`${one.value.rebuildId} builds ${one.value.name} again\n`);
      if (options.watch) {
        for (const one of asked) if (one.status === 'fulfilled') await watch(api, one.value.rebuildId);
      }
      const refused = asked.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
      if (refused.length === 1) throw refused[0]!;
      if (refused.length > 1) throw new CommandFailed(refused.map(({ message }) => message).join('\n'));
    });
}

/** Those this version has code for. */
async function countedNow(api: Api): Promise<string[]> {
  const { projections } = await api.get<{ projections: { name: string; codeVersion: number | null }[] }>('/admin/projections');
  return projections.filter(({ codeVersion }) => codeVersion !== null).map(({ name }) => name);
}

async function ask(api: Api, name: string, { merchant, from, to, manual }: ResetOptions): Promise<{ name: string; rebuildId: string }> {
  const { rebuildId } = await api.post<{ rebuildId: string }>(`/admin/projections/${encodeURIComponent(name)}/reset`, {
    merchantId: merchant,
    from,
    to,
    promote: manual ? 'manual' : 'automatic',
  });
  return { name, rebuildId };
}
