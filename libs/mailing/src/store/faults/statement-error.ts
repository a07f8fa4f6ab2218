import { toPublicText } from '../../model/values/public-text.js';

/** Where TypeORM and the drivers keep the statement, its parameters and values that the database quotes. */
const TELLING = [
  'query',
  'parameters',
  'driverError',
  'sql',
  'sqlMessage',
  'detail',
  'where',
  'internalQuery',
] as const;

/**
 * Keeps addresses out of the printed form of an error: hosts log errors, and their causes with them. The properties with values stay readable for
 * programs, but are not enumerable.
 *
 * @returns the same error.
 */
export function keepStatementUnprinted(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  for (const one of [error, (error as { driverError?: unknown }).driverError]) hideValues(one);
  const { message, stack } = error;
  if (typeof message !== 'string') return error;
  error.message = toPublicText(message);
  if (typeof stack === 'string') error.stack = stack.replace(message, () => error.message);
  return error;
}

function hideValues(error: unknown): void {
  if (typeof error !== 'object' || error === null || Object.isFrozen(error)) return;
  for (const name of TELLING) {
    if (Object.getOwnPropertyDescriptor(error, name)?.configurable)
      Object.defineProperty(error, name, { enumerable: false });
  }
}
