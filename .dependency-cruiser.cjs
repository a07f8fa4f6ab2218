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

/**
 * The rooms within a room, the highest first. Files of a line may import those of the lines below, and of their own folder; folders of one
 * line do not know each other. '.' are the files of the room itself.
 */
const FLOORS = {
  model: {
    comment: 'A word is made of simpler words: options of ports, ports of mail, mail of values.',
    floors: [
      ['options'],
      ['ports'],
      ['mail', 'reports', 'tables'],
      ['addresses'],
      ['host-calls'],
      ['errors'],
      ['states', 'values'],
    ],
  },
  store: {
    comment:
      'Work is found, claimed and recovered, then recorded, row by row; below that is one database, however it is connected to.',
    floors: [
      ['queries', 'servers', 'migrations'],
      ['claims'],
      ['recovery'],
      ['commands', 'intake', 'journal'],
      ['ledger', 'attachments', 'contents', 'environment', 'host'],
      ['completion', 'recipients'],
      ['database'],
      ['connections', 'failover'],
      ['faults'],
    ],
  },
  delivery: {
    comment: 'A recipient is judged, a template rendered, a message made of it, and handed over by a sender.',
    floors: [
      ['.'],
      ['adapters', 'smtp'],
      ['api', 'handlebars', 'mailer'],
      ['templates', 'recipients'],
      ['mime'],
      ['transport'],
    ],
  },
  work: {
    comment: 'A request comes in or work is found, a claim is obtained, and a run goes through it.',
    floors: [
      ['.'],
      ['intake', 'sweeps'],
      ['execution'],
      ['claims'],
      ['servers'],
      ['run'],
      ['recipients'],
      ['pacing'],
    ],
  },
};

/** @returns the folder of a room as a pattern. */
const within = (room, name) => (name === '.' ? `${LIB}/${room}/[^/]+$` : `${LIB}/${room}/${name}/`);

const floorRules = Object.entries(FLOORS).flatMap(([room, { comment, floors }]) =>
  floors.flatMap((names, n) =>
    names.map((name) => ({
      name: `floor-${room}-${name === '.' ? 'itself' : name}`,
      comment,
      severity: 'error',
      from: { path: within(room, name) },
      to: {
        path: `${LIB}/${room}/`,
        pathNot: [name, ...floors.slice(n + 1).flat()].map((one) => within(room, one)),
      },
    })),
  ),
);

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
    ...floorRules,
    {
      name: 'every-file-has-a-floor',
      comment: 'A folder that FLOORS does not name would import what it likes.',
      severity: 'error',
      from: {},
      to: {
        path: `${LIB}/(model|store|delivery|work)/`,
        pathNot: Object.entries(FLOORS).flatMap(([room, { floors }]) =>
          floors.flat().map((one) => within(room, one)),
        ),
      },
    },
    {
      name: 'run-knows-no-store',
      comment:
        'A run works on ports, so that a list in memory and one in a database are sent by the same code.',
      severity: 'error',
      from: { path: `${LIB}/work/run/` },
      to: { path: `${LIB}/store/` },
    },
    {
      name: 'one-door',
      comment:
        'Only the modules, with their definition and providers, wire rooms together; index.ts publishes them, and parts.ts shares what declares options.',
      severity: 'error',
      from: { path: `${LIB}/[^/]+$`, pathNot: `${LIB}/(index|parts)\\.ts$` },
      to: { path: `${LIB}/` },
    },
    {
      name: 'module-is-the-door',
      comment: 'The rooms do not know who wires them.',
      severity: 'error',
      from: { path: `${LIB}/(model|store|delivery|work)/` },
      to: { path: `${LIB}/module/` },
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
      comment:
        'An optional part is a user of the plugin; what it needs, hosts may need too. Only how options are declared is shared by parts.ts.',
      severity: 'error',
      from: { path: '^libs/(?!mailing/)' },
      to: { path: `${LIB}/(?!(index|parts)\\.ts$)` },
    },
    {
      name: 'what-parts-share-declares-options',
      comment: 'Anything else that a part needs has to be public.',
      severity: 'error',
      from: { path: `${LIB}/parts\\.ts$` },
      to: { path: '^libs/', pathNot: `${LIB}/model/options/option-(group|kinds|place)\\.ts$` },
    },
    {
      name: 'parts-share-among-themselves',
      comment: 'parts.ts is for the optional parts; the plugin itself imports the files.',
      severity: 'error',
      from: { path: '.', pathNot: '^libs/(?!mailing/)' },
      to: { path: `${LIB}/parts\\.ts$` },
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
      to: {
        couldNotResolve: true,
        pathNot: '^nestjs-mailing(/(bullmq|ldap|scenarios|testing|unsubscribe))?$',
      },
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
