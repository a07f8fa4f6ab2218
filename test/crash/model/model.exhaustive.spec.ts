import { readdir } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { freshDatabase } from '../../support/databases/fresh-database.js';
import { journalFolder } from '../../support/hosts/journal-folder.js';
import type { Answer } from './model.transport.js';
import { ModelWorld } from './model.world.js';

const RUNS = Number(process.env.MAILING_MODEL_RUNS ?? 300);
const MAX_LIFE = 40;
const SEED = Number(process.env.MAILING_MODEL_SEED ?? 2026);

/** What a command needs to know to be possible. */
interface State {
  isAlive: boolean[];
  hasMailing: boolean;
}

type Command = fc.AsyncCommand<State, ModelWorld>;

/** After each command, whatever the state of the runs, the promise is checked against the tables and the mail server. */
function command(
  name: string,
  isPossible: (state: State) => boolean,
  run: (world: ModelWorld, state: State) => Promise<void> | void,
): Command {
  return {
    check: isPossible,
    run: async (state, world) => {
      await run(world, state);
      await world.check();
    },
    toString: () => name,
  };
}

const SERVER = fc.integer({ min: 0, max: 1 });
const WHICH = fc.nat(5);
/** Every other mailing is in batches, small ones too. */
const BATCH_SIZE = fc.option(fc.integer({ min: 1, max: 6 }), { freq: 2 });
const here =
  (n: number) =>
  ({ isAlive, hasMailing }: State): boolean =>
    isAlive[n] && hasMailing;

const COMMANDS: fc.Arbitrary<Command>[] = [
  fc.tuple(SERVER, fc.integer({ min: 0, max: 12 }), BATCH_SIZE).map(([n, count, batchSize]) =>
    command(
      `send(${n}, ${count}, ${batchSize})`,
      ({ isAlive }) => isAlive[n],
      async (world, state) => {
        state.hasMailing = true;
        await world.send(n, count, batchSize);
      },
    ),
  ),
  fc
    .tuple(
      fc.constantFrom<Answer>('accept', 'accept', 'refuse', 'defer', 'defer', 'lose', 'silence', 'silence'),
      fc.integer({ min: 1, max: 4 }),
    )
    .map(([answer, count]) =>
      command(
        `answer(${answer}, ${count})`,
        () => true,
        (world) => world.answer(answer, count),
      ),
    ),
  fc.integer({ min: 0, max: 30 }).map((ms) =>
    command(
      `wait(${ms})`,
      () => true,
      async () => {
        await sleep(ms);
      },
    ),
  ),
  SERVER.map((n) =>
    command(
      `tick(${n})`,
      ({ isAlive }) => isAlive[n],
      (world) => world.tick(n),
    ),
  ),
  SERVER.map((n) =>
    command(
      `crash(${n})`,
      ({ isAlive }) => isAlive[n],
      (world, state) => {
        state.isAlive[n] = false;
        world.crash(n);
      },
    ),
  ),
  SERVER.map((n) =>
    command(
      `restart(${n})`,
      ({ isAlive }) => !isAlive[n],
      async (world, state) => {
        state.isAlive[n] = true;
        await world.restart(n);
      },
    ),
  ),
  fc
    .tuple(SERVER, WHICH, fc.constantFrom('pause', 'resume', 'resume', 'cancel'))
    .map(([n, which, name]) =>
      command(`${name}(${n}, ${which})`, here(n), (world) => world.execute(n, which, name)),
    ),
  fc
    .tuple(SERVER, WHICH, fc.constantFrom('error', 'in_doubt'))
    .map(([n, which, what]) =>
      command(`retry(${n}, ${which}, ${what})`, here(n), (world) => world.retry(n, which, what)),
    ),
];

const TABLES = ['dps_mailing', 'dps_mail_batch', 'dps_email_address', 'dps_mail_deferred', 'dps_mail_server'];

it.each([
  ['the promise holds', false],
  ['the promise holds, and with a journal only what was under way is in doubt', true],
])(
  'the promise holds after every random sequence of commands and crashes, %s',
  { timeout: 240_000 },
  async (_what, hasJournal) => {
    await using database = await freshDatabase('sqlite');
    await using folder = await journalFolder();
    const property = fc.asyncProperty(
      fc.commands(COMMANDS, { maxCommands: MAX_LIFE, size: 'max' }),
      async (commands) => {
        for (const table of TABLES) {
          await database.dataSource.query(`DELETE FROM ${table}`);
        }
        const world = new ModelWorld(database.dataSource, hasJournal ? folder.path : null);
        const setup = (): { model: State; real: ModelWorld } => ({
          model: { isAlive: [true, true], hasMailing: false },
          real: world,
        });
        await fc.asyncModelRun(setup, commands);
        await world.finish();
      },
    );
    const details = await fc.check(property, { numRuns: RUNS, seed: SEED, endOnFailure: true });
    const report = details.failed
      ? `${fc.defaultReportMessage(details)}\n${String(details.errorInstance)}`
      : null;
    expect(report).toBeNull();
    expect(await readdir(folder.path)).toEqual([]);
  },
);
