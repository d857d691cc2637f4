import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import fc from 'fast-check';
import type { FoldedThere, FoldingOrder } from './folding-process';
import { bytesOf, foldBlocks } from './folding';
import { definitions, log, merchants, timezones } from './shop-events';

/** Compiles what a plain Node process requires, and tells it another time. */
const preload = (shiftMs: number): string => `
  const { readFileSync } = require('node:fs');
  const { transformSync } = require('@swc/core');
  require.extensions['.ts'] = (module, file) =>
    module._compile(transformSync(readFileSync(file, 'utf8'), {
      filename: file,
      jsc: { parser: { syntax: 'typescript', decorators: true }, target: 'es2022' },
      module: { type: 'commonjs' },
    }).code, file);
  const now = Date.now;
  const shifted = class extends Date { constructor(...at) { super(...(at.length === 0 ? [now() + ${shiftMs}] : at)); } };
  shifted.now = () => now() + ${shiftMs};
  globalThis.Date = shifted;
  Math.random = () => 0.5;
  const main = require.resolve(${JSON.stringify(resolve(__dirname, 'folding-process.ts'))});
  process.argv[1] = main;
  require('node:module').runMain();
`;

function foldElsewhere(order: FoldingOrder, place: { TZ: string; LC_ALL: string; shiftMs: number }): FoldedThere {
  const { shiftMs, ...env } = place;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', preload(shiftMs)], {
    cwd: resolve(__dirname, '../..'),
    env: { PATH: process.env['PATH'], ...env },
    input: JSON.stringify(order),
    encoding: 'utf8',
    maxBuffer: 256 << 20,
    timeout: 120_000,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as FoldedThere;
}

const yearMs = 366 * 86_400_000;
const large = { recordsMax: 1_000, bytesMax: 1 << 24 };

describe('the same log', () => {
  it('gives the same documents in a process of another timezone, locale, year, flush size and memory', () => {
    // One seed: which log it is does not matter, where it is folded does.
    const blocks = fc.sample(log, { numRuns: 12, seed: 7 }).flat();
    const [one] = fc.sample(definitions, { numRuns: 1, seed: 7 });
    const defined = Object.fromEntries(merchants.map((merchantId) => [merchantId, one!]));
    const order = { blocks, timezones, definitions: defined };
    const places = [
      { at: { TZ: 'UTC', LC_ALL: 'C', shiftMs: 0 }, flushEvery: 1_000, bounds: large },
      { at: { TZ: 'Pacific/Apia', LC_ALL: 'ar_EG.UTF-8', shiftMs: yearMs }, flushEvery: 1, bounds: { recordsMax: 2, bytesMax: 1 << 20 } },
      { at: { TZ: 'America/St_Johns', LC_ALL: 'tr_TR.UTF-8', shiftMs: -40 * yearMs }, flushEvery: 3, bounds: large },
      { at: { TZ: 'Asia/Kathmandu', LC_ALL: 'th_TH.UTF-8', shiftMs: 10 * yearMs }, flushEvery: 7, bounds: { recordsMax: 1, bytesMax: 1 } },
    ];
    const folded = places.map(({ at, flushEvery, bounds }) => foldElsewhere({ ...order, flushEvery, bounds }, at));
    expect(Object.keys(folded[0]!.hashes).length).toBeGreaterThan(500);
    for (const { hashes } of folded) expect(hashes).toEqual(folded[0]!.hashes);
    // The processes were where they were sent.
    expect(new Set(folded.map(({ date }) => date)).size).toBe(places.length);
    expect(new Set(folded.map(({ year }) => year)).size).toBe(places.length);
  }, 300_000);

  it('gives a merchant the same documents whichever merchants share its partition', () => {
    fc.assert(
      fc.property(log, definitions, (blocks, one) => {
        const options = { timezones, definitions: Object.fromEntries(merchants.map((merchantId) => [merchantId, one])) };
        const together = bytesOf(foldBlocks(blocks, options));
        const apart = merchants.flatMap((merchantId) => {
          const own = blocks.map((rows) => rows.filter((event) => event.merchantId === merchantId)).filter((rows) => rows.length > 0);
          return own.length === 0 ? [] : [...bytesOf(foldBlocks(own, options))];
        });
        expect(new Map(apart.sort(([a], [b]) => (a < b ? -1 : 1)))).toEqual(together);
      }),
      { numRuns: 20 },
    );
  });
});
