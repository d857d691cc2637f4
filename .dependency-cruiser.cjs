// Imports run one way. Each rule names the room it protects; test/house.spec.ts plants a violation to prove the check can fail.
const roles = ['collecting', 'configuring', 'projecting', 'reporting', 'administering'];
/** Configuring lives with reporting and administering: these share the guards and command handlers of configuring. */
const maySee = { reporting: ['configuring'], administering: ['configuring'] };

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'protocol-imports-nothing', severity: 'error', from: { path: '^src/protocol/' }, to: { pathNot: '^src/protocol/' } },
    {
      name: 'projections-are-pure',
      comment: 'No Nest, no driver, no Node API: only pure code and the tables it reads.',
      severity: 'error',
      from: { path: '^projections/' },
      to: { pathNot: '^(projections/|src/domain/|src/protocol/|node_modules/(isbot|ua-parser-js)/)' },
    },
    {
      name: 'domain-is-pure',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { pathNot: '^(src/domain/|src/protocol/|node_modules/@sinclair/typebox/|(node:)?(crypto|buffer)$)' },
    },
    {
      name: 'projections-serve-process-and-report',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(projecting|reporting|administering|cli)/' },
      to: { path: '^projections/' },
    },
    ...roles.map((role) => ({
      name: `${role}-meets-others-only-in-the-stores`,
      severity: 'error',
      from: { path: `^src/${role}/` },
      to: { path: `^src/(${roles.filter((r) => r !== role && !(maySee[role] ?? []).includes(r)).join('|')}|sdk|cli|embedded)/` },
    })),
    { name: 'stores-know-no-role', severity: 'error', from: { path: '^src/stores/' }, to: { path: `^src/(${roles.join('|')}|sdk|cli|embedded)/` } },
    {
      name: 'ports-know-no-role',
      comment: 'The RSocket ports are shared by roles, which give them their routes; so is what is asked of whoever connects.',
      severity: 'error',
      from: { path: '^src/(rsocket|peers)/' },
      to: { path: `^(projections/|src/(${roles.join('|')}|sdk|cli|embedded)/)` },
    },
    { name: 'embedded-stand-alone', severity: 'error', from: { path: '^src/embedded/' }, to: { path: '^(src|projections)/', pathNot: '^src/embedded/' } },
    { name: 'embedded-eventstoredb-apart', severity: 'error', from: { path: '^src/embedded/eventstoredb/' }, to: { path: '^src/embedded/mongodb/' } },
    { name: 'embedded-mongodb-apart', severity: 'error', from: { path: '^src/embedded/mongodb/' }, to: { path: '^src/embedded/eventstoredb/' } },
    {
      name: 'embedded-only-started',
      comment: 'Embedded or real is only a connection string: nothing but the starter knows the embedded servers.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(embedded/|main\\.ts$|roles\\.ts$|supervisor)' },
      to: { path: '^src/embedded/' },
    },
    { name: 'sdk-speaks-protocol-only', severity: 'error', from: { path: '^src/sdk/' }, to: { path: '^(src|projections)/', pathNot: '^src/(sdk|protocol)/' } },
    { name: 'no-tests-in-product', severity: 'error', from: { path: '^(src|projections)/' }, to: { path: '^test/' } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['require', 'node', 'default', 'types'] },
  },
};
