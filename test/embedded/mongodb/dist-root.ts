import { resolve } from 'node:path';

/** Where the compiled server lies; RECOUNT_DIST names another build. */
export const serverEntry = resolve(process.env.RECOUNT_DIST ?? 'dist', 'src/embedded/mongodb/main.js');
