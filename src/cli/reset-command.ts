import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { Api, withApiOptions, type ApiOptions } from './api';
import { CommandFailed } from './command-failed';
import { progress } from './progress';
import { grouped } from './table';

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
}

const askEveryMs = 500;

/** `recount reset`: the history again, beside the numbers that serve. */
export function resetCommand(): Command {
  return withApiOptions(new Command('reset'))
    .argument('<projection>', 'which numbers, such as traffic or commerce; recount status lists them')
    .description('count the history again, while the old numbers serve, and switch when the new ones are complete')
    .option('--merchant <id>', "one merchant's numbers only")
    .option('--from <time>', 'from this day or time on')
    .option('--to <time>', 'up to this day or time')
    .option('--manual', 'do not switch by itself: wait for POST /admin/rebuilds/{id}/promote')
    .option('--watch', 'stay and show the progress')
    .addHelpText(
      'after',
      `
Nothing is deleted: the new numbers are built in places of their own, from the log, and readers move over in one step.

Examples:
  $ recount reset traffic --watch
  $ recount reset commerce --merchant shop --from 2026-03-01 --to 2026-03-31
  $ recount reset sessions --manual`,
    )
    .action(
      async (
        projection: string,
        options: ApiOptions & { merchant?: string; from?: string; to?: string; manual?: boolean; watch?: boolean },
      ) => {
        const api = Api.from(options);
        const { rebuildId } = await api.post<{ rebuildId: string }>(`/admin/projections/${encodeURIComponent(projection)}/reset`, {
          merchantId: options.merchant,
          from: options.from,
          to: options.to,
          promote: options.manual ? 'manual' : 'automatic',
        });
        process.stdout.write(`${rebuildId} builds ${projection} again\n`);
        if (options.watch) await watch(api, rebuildId, options.manual ?? false);
      },
    );
}

async function watch(api: Api, rebuildId: string, manual: boolean): Promise<void> {
  let rebuild = await ask(api, rebuildId);
  const bar = progress('counting', Math.max(1, rebuild.eventsTotal), 'events');
  try {
    while (rebuild.state === 'building' || (rebuild.state === 'caught-up' && !manual)) {
      bar.update(rebuild.eventsRead);
      await sleep(askEveryMs);
      rebuild = await ask(api, rebuildId);
    }
    bar.update(rebuild.eventsRead);
  } finally {
    bar.stop();
  }
  const { state, version, eventsRead, eventsPerSecond } = rebuild;
  if (state === 'failed' || state === 'cancelled')
    throw new CommandFailed(`${rebuildId} is ${state}${rebuild.failure ? `: ${rebuild.failure}` : ''}`);
  const counted = `${grouped(eventsRead)} events, ${grouped(Math.round(eventsPerSecond))} a second`;
  if (state === 'caught-up') process.stdout.write(`Caught up (${counted}). Switch with: POST /admin/rebuilds/${rebuildId}/promote\n`);
  else process.stdout.write(`Version ${version} of ${rebuild.projection} serves (${counted}).\n`);
}

function ask(api: Api, rebuildId: string): Promise<Rebuild> {
  return api.get<Rebuild>(`/admin/rebuilds/${encodeURIComponent(rebuildId)}`);
}
