import { toPublicText } from '../../model/values/public-text.js';

/** Where TypeORM and the drivers keep the statement, its parameters and the values that the database quotes. */
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
 * An error of a statement of ours, so that what prints it prints no addresses: hosts log what is thrown at them, and causes with it.
 * What a program wants of it stays where it was, but is not enumerable.
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
