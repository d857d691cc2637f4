import * as fs from 'node:fs';
import { Session } from 'node:inspector';
import * as path from 'node:path';

/**
 * Preloaded into Recount's processes by `--profile FOLDER`: the first SIGUSR2 begins a CPU profile, the next writes it, so that a
 * profile holds what is measured and no start. Node's own --cpu-prof is not taken from NODE_OPTIONS.
 */
const folder = process.env['BENCH_PROFILE_FOLDER'];
if (folder !== undefined) {
  let session: Session | undefined;
  process.on('SIGUSR2', () => {
    if (session === undefined) {
      session = new Session();
      session.connect();
      session.post('Profiler.enable');
      session.post('Profiler.setSamplingInterval', { interval: Number(process.env['BENCH_PROFILE_SAMPLE_US']) });
      session.post('Profiler.start');
      return;
    }
    const ending = session;
    session = undefined;
    ending.post('Profiler.stop', (error, answer) => {
      const name = `${process.argv
        .slice(1)
        .map((part) => path.basename(part))
        .join('-')
        .replace(/[^\w.-]/g, '')
        .slice(0, 60)}-${process.pid}-${Date.now()}`;
      if (error === null) fs.writeFileSync(path.join(folder, `${name}.cpuprofile`), JSON.stringify(answer.profile));
      ending.disconnect();
    });
  });
}
