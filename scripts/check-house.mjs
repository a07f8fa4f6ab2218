// The habits of the house that a machine can check: sizes of files and folders, and names.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { ALLOWED_IDENTIFIERS, IDENTIFIER_WORDS, NAMES, VAGUE_WORDS } from './standard-terms.mjs';

const MEDIAN_LINES = 60;
const LONG_LINES = 200;
const SHORT_SHARE = 0.9;
const MAX_LINES = 350;

/** Of one folder; more of them are found by no name. */
const MAX_FILES = { libs: 20, src: 20, test: 30, bench: 30, scripts: 30 };

const FOLDERS = ['libs', 'src', 'test', 'scripts', 'bench'];

/** Names under which everything can be filed say nothing. */
const EMPTY_WORDS = new Set([
  'utils',
  'util',
  'common',
  'helpers',
  'helper',
  'services',
  'interfaces',
  'misc',
]);

/** A statement on a table, or the part of one that a dialect completes. */
const SQL = /\b(SELECT|INSERT INTO|DELETE FROM|UPDATE)\s|\.insertIgnore\(/;

const files = FOLDERS.flatMap(filesOf);
const complaints = [
  ...files.flatMap(nameComplaints),
  ...sizeComplaints(files.filter(hasSizeLimit)),
  ...folderComplaints(files),
  ...files.filter((file) => /^(libs|src)\/.*\.ts$/.test(file)).flatMap(identifierComplaints),
  ...files.filter((file) => file.startsWith('libs/')).flatMap(sqlComplaints),
  ...[...files.filter((file) => !file.startsWith('scripts/')), ...pages()].flatMap(termComplaints),
  ...[...files.filter((file) => /^(libs|src|test|bench)\/.*\.ts$/.test(file)), ...pages()].flatMap(
    vagueComplaints,
  ),
];

for (const complaint of complaints) console.error(complaint);
process.exitCode = complaints.length > 0 ? 1 : 0;

function filesOf(folder) {
  if (!statSync(folder, { throwIfNoEntry: false })) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mts|cts|js|mjs|cjs)$/.test(entry.name))
    .map((entry) => relative('.', join(entry.parentPath ?? entry.path, entry.name)));
}

function nameComplaints(file) {
  const complaints = [];
  const words = file.replace(/\.[cm]?[jt]s$/, '').split(/[/.]/);
  const empty = words.find((word) => EMPTY_WORDS.has(word));
  if (empty) complaints.push(`${file}: "${empty}" is no name; say what is in it.`);
  if (!/^[a-z0-9]+([-.][a-z0-9]+)*$/.test(basename(file))) {
    complaints.push(`${file}: names are lower case words with hyphens, and a dot before the role.`);
  }
  if (file.endsWith('.spec.ts') && !file.startsWith('test/'))
    complaints.push(`${file}: tests are in test/; nothing runs them here.`);
  if (/[.\-_](test|tests|e2e-spec|e2e|specs)\.[cm]?[jt]s$|[-_]spec\.[cm]?[jt]s$|\.spec\.(?!ts$)/.test(file)) {
    complaints.push(`${file}: tests are named *.spec.ts; under another name nobody runs them.`);
  }
  return complaints;
}

function hasSizeLimit(file) {
  return /^(libs|src)\/.*\.ts$/.test(file) && !/\.(spec|d)\.ts$/.test(file) && !file.includes('/migrations/');
}

function sizeComplaints(limited) {
  if (limited.length === 0) return [];
  const sizes = limited.map((file) => ({ file, lines: lineCount(file) })).sort((a, b) => a.lines - b.lines);
  const complaints = sizes
    .filter(({ lines }) => lines > MAX_LINES)
    .map(({ file, lines }) => `${file}: ${lines} lines; ${MAX_LINES} is the most for one file.`);

  const median = sizes[Math.floor((sizes.length - 1) / 2)].lines;
  if (median > MEDIAN_LINES) {
    complaints.push(`The median file has ${median} lines; ${MEDIAN_LINES} is the most.`);
  }
  const long = sizes.filter(({ lines }) => lines >= LONG_LINES);
  if (1 - long.length / sizes.length < SHORT_SHARE) {
    const names = long.map(({ file, lines }) => `${file} (${lines})`).join(', ');
    complaints.push(
      `${SHORT_SHARE * 100} % of the files are to be under ${LONG_LINES} lines; not so: ${names}.`,
    );
  }
  return complaints;
}

function folderComplaints(files) {
  const counts = new Map();
  for (const file of files) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  return [...counts].flatMap(([folder, count]) => {
    const most = MAX_FILES[folder.split('/')[0]];
    return count > most ? [`${folder}: ${count} files; ${most} is the most for one folder.`] : [];
  });
}

function lineCount(file) {
  return readFileSync(file, 'utf8').split('\n').length - 1;
}

function pages() {
  const docs = readdirSync('docs', { recursive: true, encoding: 'utf8' }).map((name) => join('docs', name));
  // The changelog tells what was renamed.
  return ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...docs].filter((file) => file.endsWith('.md'));
}

/**
 * SQL on tables stands in the store, in files that declare no class: a class reads as sentences, and a statement has a comment of its own.
 * Connections ask their session about itself, and migrations make tables.
 */
function sqlComplaints(file) {
  if (/\/store\/(connections|migrations)\//.test(file)) return [];
  const code = withoutComments(readFileSync(file, 'utf8'));
  const [sql] = code.match(SQL) ?? [];
  if (sql === undefined) return [];
  if (!file.startsWith('libs/mailing/src/store/'))
    return [`${file}: "${sql}": statements are in libs/mailing/src/store; call a function of it.`];
  if (!/^(export )?(default )?(abstract )?class /m.test(code)) return [];
  return [
    `${file}: "${sql}" in a file that declares a class. Move the statement to a file named by what it does, beside this one, ` +
      'with lock, index and guard in its comment; the class calls its function.',
  ];
}

function withoutComments(text) {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(?<![:'"`])\/\/.*$/gm, '');
}

/** Words of identifiers and of names in quotes; comments and texts are prose, in which they may mean something else. */
function identifierComplaints(file) {
  const code = withoutComments(readFileSync(file, 'utf8'));
  const unquoted = code.replaceAll(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g, '');
  const quoted = code.match(/'[a-zA-Z][\w:-]*'/g) ?? [];
  const found = new Set([unquoted, ...quoted].flatMap((part) => part.match(/[A-Za-z_$][\w$]*/g) ?? []));
  return [...found].flatMap((name) => {
    if (ALLOWED_IDENTIFIERS.has(name)) return [];
    const words = name
      .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
      .toLowerCase()
      .split(/[ _]/);
    const word = words.find((one) => Object.hasOwn(IDENTIFIER_WORDS, one));
    return word ? [`${file}: \`${name}\`: the term for "${word}" is ${IDENTIFIER_WORDS[word]}.`] : [];
  });
}

function termComplaints(file) {
  const text = readFileSync(file, 'utf8');
  return Object.entries(NAMES).flatMap(([old, term]) =>
    new RegExp(`(?<![\\w:-])${old}(?![\\w:-])`).test(text)
      ? [`${file}: "${old}" is called \`${term}\`.`]
      : [],
  );
}

/** All of a file of code, and the comments of a test, whose texts are data; of a page its prose, without code, quotes and headings that others link to. */
function vagueComplaints(file) {
  const text = readFileSync(file, 'utf8');
  const isTest = /^(test|bench)\//.test(file);
  const words = file.endsWith('.md')
    ? text
        .replaceAll(/```[\s\S]*?```/g, '')
        .replaceAll(/^( {4}|#).*$/gm, '')
        .replaceAll(/`[^`]*`|"[^"\n]*"|\]\([^)]*\)/g, '')
    : isTest
      ? (text.match(/\/\*[\s\S]*?\*\/|(?<![:'"`])\/\/.*$/gm) ?? []).join('\n')
      : text;
  const found = VAGUE_WORDS.filter((word) => new RegExp(`\\b${word}\\b`, 'i').test(words));
  return found.length > 0 ? [`${file}: "${found.join('", "')}": name the thing.`] : [];
}
