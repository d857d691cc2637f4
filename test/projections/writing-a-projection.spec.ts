import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { transformSync } from '@swc/core';
import * as ts from 'typescript';

/** docs/writing-a-projection.md, run as it stands: the page cannot rot. */
const root = resolve(__dirname, '../..');
const page = readFileSync(join(root, 'docs/writing-a-projection.md'), 'utf8');
/** Code of the page by the file it is to be written to. */
const files = new Map([...page.matchAll(/^```ts (\S+)\n([^]*?)^```$/gm)].map(([, file, code]) => [join(root, file!), code!]));
const projectionFile = join(root, 'projections/searches/searches.ts');
const catalogFile = join(root, 'projections/catalog.ts');

/** The catalog with the page's line and the projection's name in the list. */
function extendedCatalog(): string {
  const catalog = readFileSync(catalogFile, 'utf8').replace(/^(export const catalog.* = \[)/m, '$1searches, ');
  return files.get(catalogFile)! + catalog;
}

/** Runs the page's code where its file would be, among the real ones. */
function run(file: string, code = files.get(file)!): Record<string, unknown> {
  const compiled = transformSync(code, {
    filename: file,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'commonjs' },
  });
  const exports: Record<string, unknown> = {};
  const requireThere = (path: string): unknown => {
    const target = path.startsWith('.') ? resolve(dirname(file), path) : path;
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    return files.has(`${target}.ts`) ? run(`${target}.ts`) : (require(target) as unknown);
  };
  new Function('require', 'exports', compiled.code)(requireThere, exports);
  return exports;
}

describe('the page on writing a projection', () => {
  it('shows code that type-checks beside the kit, the line in the catalog included', () => {
    const overlay = new Map([...files, [catalogFile, extendedCatalog()]]);
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as { config: object };
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
    const host = ts.createCompilerHost(options);
    const { fileExists, readFile, getSourceFile, directoryExists } = host;
    host.directoryExists = (path) => path === dirname(projectionFile) || directoryExists!(path);
    host.fileExists = (path) => overlay.has(resolve(path)) || fileExists(path);
    host.readFile = (path) => overlay.get(resolve(path)) ?? readFile(path);
    host.getSourceFile = (path, languageVersion, ...rest) => {
      const text = overlay.get(resolve(path));
      return text === undefined ? getSourceFile(path, languageVersion, ...rest) : ts.createSourceFile(path, text, languageVersion);
    };
    const program = ts.createProgram([...overlay.keys()], { ...options, noEmit: true, skipLibCheck: true }, host);
    const problems = [...overlay.keys()].flatMap((path) => {
      const source = program.getSourceFile(path)!;
      return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    });
    expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))).toEqual([]);
  });

  it('gives a projection that is listed with the others', () => {
    const { searches } = run(projectionFile);
    const { catalog } = run(catalogFile, extendedCatalog()) as { catalog: { name: string }[] };
    expect(catalog.map(({ name }) => name)).toContain('searches');
    expect(searches).toMatchObject({ kind: 'declared', name: 'searches', version: 1 });
  });

  describe('ends with a test:', () => {
    run(join(root, 'test/projections/searches.spec.ts'));
  });
});
