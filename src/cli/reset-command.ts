import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { Api, withApiOptions, type ApiOptions } from './api';
import { CommandFailed } from './command-failed';
import { progress } from './progress';
import { grouped, table } from './table';

type State = 'building' | 'caught-up' | 'live' | 'retired' | 'cancelled' | 'failed';
interface Rebuild {
  rebuildId: string;
  projection: string;
  version: number;
  state: State;
  eventsRead: number;
  eventsTotal: number;
  eventsPerSecond: number;
  secondsRemaining: number | null;
  failure?: string;
  diff?: Diff;
}
type Figure = number | { amount: string; currency: string };
interface Diff {
  complete: boolean;
  merchantsCompared: number;
  total: number;
  rows: { day: string; measure: string; bots?: true; moving?: true; old: Figure; new: Figure; difference: Figure }[];
  merchants: { merchantId: string; differences: number }[];
}

interface ResetOptions extends ApiOptions {
  all?: boolean;
  merchant?: string;
  from?: string;
  to?: string;
  manual?: boolean;
  watch?: boolean;
}

const askEveryMs = 500;
const rowsShown = 20;
const merchantsShown = 5;

/** `recount reset`: the history again, beside the numbers that serve. */
export function resetCommand(): Command {
  return withApiOptions(new Command('reset'))
    .argument('[projection]', 'which numbers, such as traffic or commerce; recount status lists them')
    .description('count the history again, while the old numbers serve, and switch when the new ones are complete')
    .option('--all', 'all numbers, counted in one pass over the log')
    .option('--merchant <id>', "one merchant's numbers only")
    .option('--from <day>', 'from this day on, by the days of the merchant')
    .option('--to <day>', 'up to and with this day')
    .option('--manual', 'do not switch by itself: wait for POST /admin/rebuilds/{id}/promote')
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
        for (const one of asked) if (one.status === 'fulfilled') await watch(api, one.value.rebuildId, options.manual ?? false);
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

async function watch(api: Api, rebuildId: string, manual: boolean): Promise<void> {
  let rebuild = await standing(api, rebuildId);
  const bar = progress('counting', Math.max(1, rebuild.eventsTotal), 'events');
  try {
    while (rebuild.state === 'building' || (rebuild.state === 'caught-up' && !manual)) {
      bar.update(rebuild.eventsRead, Math.max(1, rebuild.eventsTotal), paceOf(rebuild));
      await sleep(askEveryMs);
      rebuild = await standing(api, rebuildId);
    }
    bar.update(rebuild.eventsRead, Math.max(1, rebuild.eventsTotal), paceOf(rebuild));
  } finally {
    bar.stop();
  }
  const { state, version, eventsRead, eventsPerSecond, diff } = rebuild;
  if (state === 'failed' || state === 'cancelled')
    throw new CommandFailed(`${rebuildId} is ${state}${rebuild.failure ? `: ${rebuild.failure}` : ''}`);
  const counted = `${grouped(eventsRead)} events, ${grouped(Math.round(eventsPerSecond))} a second`;
  if (state !== 'caught-up') {
    process.stdout.write(`Version ${version} of ${rebuild.projection} serves (${counted}).\n`);
    return;
  }
  if (diff !== undefined) process.stdout.write(shownDiff(diff));
  process.stdout.write(`Caught up (${counted}). Switch with: POST /admin/rebuilds/${rebuildId}/promote\n`);
}

function paceOf({ eventsPerSecond, secondsRemaining }: Rebuild): string {
  const rate = ` | ${grouped(Math.round(eventsPerSecond))}/s`;
  return secondsRemaining === null ? rate : `${rate} | ${secondsRemaining} s left`;
}

/** What would change, the largest differences first. */
function shownDiff({ rows, total, merchants, merchantsCompared, complete }: Diff): string {
  if (total === 0) return `Nothing differs${complete ? '' : ' so far'}, in ${grouped(merchantsCompared)} merchants compared.\n`;
  const columns = [
    { title: 'day' },
    { title: 'measure' },
    { title: 'now', align: 'right' as const },
    { title: 'counted again', align: 'right' as const },
    { title: 'difference', align: 'right' as const },
  ];
  const cells = rows.slice(0, rowsShown).map(({ day, measure, bots, moving, old, new: now, difference }) => {
    return [moving ? `${day}*` : day, bots ? `${measure} (bots)` : measure, shownFigure(old), shownFigure(now), shownFigure(difference)];
  });
  const notes = [
    ...(total > rowsShown ? [`${grouped(total)} numbers differ; these are the largest differences.`] : []),
    `Most changed: ${merchants
      .slice(0, merchantsShown)
      .map(({ merchantId, differences }) => `${merchantId} (${grouped(differences)})`)
      .join(', ')}.`,
    ...(complete ? [] : [`Only ${grouped(merchantsCompared)} merchants could be compared in time.`]),
    ...(rows.some(({ moving }) => moving) ? ['* One side has counted more of that day so far, which is part of the difference.'] : []),
  ];
  return `${table(columns, cells)}\n${notes.join('\n')}\n`;
}

const shownFigure = (figure: Figure): string => (typeof figure === 'number' ? grouped(figure) : `${figure.amount} ${figure.currency}`);

function standing(api: Api, rebuildId: string): Promise<Rebuild> {
  return api.get<Rebuild>(`/admin/rebuilds/${encodeURIComponent(rebuildId)}`);
}
