/**
 * The rooms of the house and the doors between them. An arrow that is not listed here does not exist:
 * work → store → model, work → delivery → model, work → model.
 */
const LIB = '^libs/mailing/src';

/** A room may import itself and the rooms named; nothing else of ours. */
const room = (name, neighbours, comment) => ({
  name: `room-${name}`,
  comment,
  severity: 'error',
  from: { path: `${LIB}/${name}/` },
  to: {
    path: '^(libs|src|test|bench|scripts|dist)/|^ormconfig|^nestjs-mailing',
    pathNot: [name, ...neighbours].map((neighbour) => `${LIB}/${neighbour}/`),
  },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    room(
      'model',
      [],
      'The words are understood without knowing who uses them, so they import nothing of ours.',
    ),
    room('store', ['model'], 'Every statement is here and nothing else: no statement can wait for SMTP.'),
    room('delivery', ['model'], 'A message is made and handed over without a database, and tested so.'),
    room('work', ['store', 'delivery', 'model'], 'Who does what, when: built on the rooms, not on the door.'),
    {
      name: 'one-door',
      comment:
        'Only the modules, with their definition and providers, wire rooms together, and only index.ts publishes them.',
      severity: 'error',
      from: {
        path: `${LIB}/[^/]+$`,
        pathNot: `${LIB}/(index|mailing[a-z-]*\\.(module|definition|providers))\\.ts$`,
      },
      to: { path: `${LIB}/` },
    },
    {
      name: 'lib-stands-alone',
      comment: 'What is published cannot import what is not.',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^(src|test|bench|scripts)/|^ormconfig' },
    },
    {
      name: 'optional-parts-use-the-public-api',
      comment: 'An optional part is a user of the plugin; what it needs, hosts may need too.',
      severity: 'error',
      from: { path: '^libs/(?!mailing/)' },
      to: { path: `${LIB}/(?!index\\.ts$)` },
    },
    {
      name: 'optional-peers-in-their-parts',
      comment: 'A host that has no Redis installs nothing for it, so the plugin must load without these.',
      severity: 'error',
      from: { path: '^(libs/(?!bullmq/)|src/)' },
      to: { path: '(^|node_modules/)(@nestjs/bullmq|bullmq|ioredis)(/|$)' },
    },
    {
      name: 'ldap-client-in-its-part',
      comment: 'A host that has no directory installs nothing for it, so the plugin must load without this.',
      severity: 'error',
      from: { path: '^(libs/(?!ldap/)|src/)' },
      to: { path: '(^|node_modules/)ldapts(/|$)' },
    },
    {
      name: 'events-in-their-part',
      comment: 'A host without events of its own installs nothing for them.',
      severity: 'error',
      from: { path: '^(libs/(?!scenarios/)|src/)' },
      to: { path: '(^|node_modules/)@nestjs/event-emitter(/|$)' },
    },
    {
      name: 'host-uses-the-package',
      comment: 'The host application is the living example: it imports nestjs-mailing, as every host does.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(libs|test|bench|scripts)/|^ormconfig' },
    },
    {
      name: 'bench-measures-the-package',
      comment:
        'What is measured is what hosts get: the package by its name. Of the tests it borrows the servers they start, of the sources at most types.',
      severity: 'error',
      from: { path: '^bench/' },
      to: {
        path: '^(libs|scripts)/|^ormconfig|^test/(?!support/)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'nobody-needs-the-bench',
      comment: 'Only the test that keeps it running knows it.',
      severity: 'error',
      from: { path: '^(src|libs|test|scripts)/', pathNot: '^test/bench/' },
      to: { path: '^bench/' },
    },
    {
      name: 'no-driver-in-the-lib',
      comment:
        'Hosts choose their database driver and hand it to TypeORM; a second copy would be theirs to debug.',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '(^|node_modules/)(mysql2|pg|libsql|better-sqlite3|sql\\.js)(/|$)' },
    },
    {
      name: 'no-dev-dependency-in-the-lib',
      comment: 'It would be there in our tests and missing at the user.',
      severity: 'error',
      from: { path: '^libs/', pathNot: '\\.spec\\.ts$' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm', 'npm-peer'],
      },
    },
    {
      name: 'no-circular',
      comment: 'Files that need each other are one file, or hide a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment:
        'An arrow that leads nowhere would pass every rule above. The package itself may not be built yet.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^nestjs-mailing(/(bullmq|ldap|scenarios|unsubscribe))?$' },
    },
  ],
  options: {
    // An import of a type alone is an arrow too.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: ['node_modules', '^dist/'] },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'default', 'types'] },
  },
};
