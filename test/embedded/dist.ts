import { resolve } from 'node:path';

/** The compiled form of a source file, for tests that start it as a process. DIST_DIR names another build than dist. */
export const distPath = (sourceFile: string): string =>
  resolve(process.env.DIST_DIR ?? resolve(__dirname, '../../dist'), sourceFile.replace(/\.ts$/, '.js'));
