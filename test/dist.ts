import { resolve } from 'node:path';

/** What `nest build` made; `npm test` builds first. RECOUNT_DIST names another build. */
const dist = resolve(process.env.RECOUNT_DIST ?? resolve(__dirname, '../dist'));

/** The compiled form of a source file, for tests that start it as a process. */
export const distPath = (sourceFile: string): string => resolve(dist, sourceFile.replace(/\.ts$/, '.js'));
