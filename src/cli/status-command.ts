import { Command } from 'commander';
import { Api, withApiOptions, type ApiOptions } from './api';
import { grouped, table } from './table';

interface Health {
  status: string;
  checks: Record<string, { ok: boolean; detail?: string }>;
}
interface ProjectionStanding {
  name: string;
  version: number | null;
  generation: string | null;
  state: string;
  stopped?: string;
  lagSeconds: number | null;
  recordsBehind: number;
  rebuild: { rebuildId: string; state: string } | null;
}
interface PartitionStanding {
  partition: number;
  generation: string;
  owner?: string | null;
  checkpoint: number;
  head: number;
  lagSeconds: number | null;
  stopped?: string;
}

/** `recount status`. Exit code 1 when a check fails, so that scripts can ask, too. */
export function statusCommand(): Command {
  return withApiOptions(new Command('status'))
    .description('is Recount healthy, and how far behind are the numbers')
    .option('--all', 'every partition, also those with nothing in them')
    .option('--json', 'the same as JSON')
    .addHelpText(
      'after',
      `
Ends with code 1 when Recount is not ready.

Examples:
  $ recount status
  $ recount status --url http://recount.internal:8080 --admin-token "$TOKEN" --json`,
    )
    .action(async (options: ApiOptions & { all?: boolean; json?: boolean }) => {
      const api = Api.from(options);
      const health = (await api.ask('/health/ready')).body as Health;
      const [{ projections }, { partitions }] = await Promise.all([
        api.get<{ projections: ProjectionStanding[] }>('/admin/projections'),
        api.get<{ partitions: PartitionStanding[] }>('/admin/partitions'),
      ]);
      const status = { health, projections, partitions };
      process.stdout.write(options.json ? `${JSON.stringify(status, null, 2)}\n` : `${describe(status, options.all ?? false)}\n`);
      if (health.status !== 'ready') process.exitCode = 1;
    });
}

function describe(
  { health, projections, partitions }: { health: Health; projections: ProjectionStanding[]; partitions: PartitionStanding[] },
  all: boolean,
): string {
  const shown = partitions.filter((partition) => all || partition.head >= 0 || partition.stopped !== undefined);
  const checks = Object.entries(health.checks ?? {}).map(([name, { ok, detail }]) => [name, ok ? 'ok' : 'FAILS', detail ?? '']);
  return [
    `Recount is ${health.status === 'ready' ? 'ready' : 'NOT ready'}.`,
    '',
    table([{ title: 'check' }, { title: 'state' }, { title: '' }], checks),
    '',
    table(
      [
        { title: 'projection' },
        { title: 'state' },
        { title: 'version', align: 'right' },
        { title: 'lag', align: 'right' },
        { title: 'behind', align: 'right' },
        { title: 'rebuild' },
      ],
      projections.map(({ name, state, version, lagSeconds, recordsBehind, rebuild, stopped }) => [
        name,
        stopped === undefined ? state : `${state}: ${stopped}`,
        String(version ?? '-'),
        seconds(lagSeconds),
        grouped(recordsBehind),
        rebuild === null ? '' : `${rebuild.rebuildId} ${rebuild.state}`,
      ]),
    ),
    '',
    shown.length === 0
      ? `No partition holds events yet (${partitions.length} in all).`
      : table(
          [
            { title: 'partition' },
            { title: 'generation' },
            { title: 'counted', align: 'right' },
            { title: 'head', align: 'right' },
            { title: 'lag', align: 'right' },
            { title: 'owner' },
          ],
          shown.map(({ partition, generation, checkpoint, head, lagSeconds, owner, stopped }) => [
            String(partition).padStart(2, '0'),
            generation,
            grouped(checkpoint + 1),
            grouped(head + 1),
            seconds(lagSeconds),
            stopped === undefined ? (owner ?? 'nobody') : `STOPPED: ${stopped}`,
          ]),
        ),
  ].join('\n');
}

const seconds = (lag: number | null): string => (lag === null ? '?' : `${lag} s`);
