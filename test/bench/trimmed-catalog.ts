import { catalog, type ProjectionDefinition } from '../../projections/catalog';

/**
 * Preloaded into Recount's processes by `--catalog NAMES`: an installation that counts only these. What it costs to fill a log, by which
 * everything is counted live, is then theirs alone.
 */
const names = process.env['BENCH_CATALOG']!.split(',');
const kept = catalog.filter(({ name }) => names.includes(name));
(catalog as ProjectionDefinition[]).splice(0, catalog.length, ...kept);
