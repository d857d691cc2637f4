// npm runs this after an install, and npx whenever it links the `recount` command: only a build that is missing or older than its
// sources is made, so that asking for the command never takes the files away from a Recount that is running on them.
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { existsSync, readdirSync, statSync } from 'node:fs';

const built = 'dist/src/main.js';
const sources = ['src', 'projections', 'package.json', 'tsconfig.json', '.tsconfig.build.json', 'nest-cli.json'];

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(`${path}/${name}`)));
}

if (!existsSync(built) || statSync(built).mtimeMs < Math.max(...sources.map(newest))) {
  process.exitCode = spawnSync('npx', ['--no-install', 'nest', 'build'], { stdio: 'inherit' }).status ?? 1;
}
