import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const root = resolve(__dirname, '..');

/** Checks a small house of its own, built from the given files, against the rules of this one. */
function check(files: Record<string, string>): { status: number | null; output: string } {
  const house = mkdtempSync(join(tmpdir(), 'recount-house-'));
  try {
    copyFileSync(join(root, 'tsconfig.json'), join(house, 'tsconfig.json'));
    copyFileSync(join(root, 'package.json'), join(house, 'package.json'));
    symlinkSync(join(root, 'node_modules'), join(house, 'node_modules'));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(house, path)), { recursive: true });
      writeFileSync(join(house, path), text);
    }
    const cruiser = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
    const rooms = [...new Set(Object.keys(files).map((path) => path.split('/')[0]!))];
    const { status, stdout, stderr } = spawnSync(process.execPath, [cruiser, '--config', join(root, '.dependency-cruiser.cjs'), ...rooms], {
      cwd: house,
      encoding: 'utf8',
    });
    return { status, output: stdout + stderr };
  } finally {
    rmSync(house, { recursive: true });
  }
}

describe('the import rules', () => {
  it.each([
    [
      'a projection that reaches for a driver',
      'projections-are-pure',
      { 'projections/a.ts': "import { MongoClient } from 'mongodb';\nexport const a = MongoClient;\n" },
    ],
    [
      'a role that imports another role',
      'collecting-meets-others-only-in-the-stores',
      {
        'src/collecting/a.ts': "import { b } from '../projecting/b';\nexport const a = b;\n",
        'src/projecting/b.ts': 'export const b = 1;\n',
      },
    ],
    [
      'anyone but the starter that knows an embedded server',
      'embedded-only-started',
      {
        'src/stores/a.ts': "import { b } from '../embedded/mongodb/b';\nexport const a = b;\n",
        'src/embedded/mongodb/b.ts': 'export const b = 1;\n',
      },
    ],
    [
      'a circle',
      'no-cycles',
      {
        'src/domain/a.ts': "import { b } from './b';\nexport const a = () => b;\n",
        'src/domain/b.ts': "import { a } from './a';\nexport const b = () => a;\n",
      },
    ],
  ])('refuse %s', (_, rule, files) => {
    const { status, output } = check(files);
    expect(output).toContain(rule);
    expect(status).not.toBe(0);
  });

  it('accept a house in order', () => {
    const { status, output } = check({
      'src/domain/b.ts': 'export const b = 1;\n',
      'projections/a.ts': "import { b } from '../src/domain/b';\nexport const a = b;\n",
    });
    expect({ status, output }).toMatchObject({ status: 0 });
  });
});
