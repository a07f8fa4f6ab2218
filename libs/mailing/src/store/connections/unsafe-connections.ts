import type { DataSource } from 'typeorm';
import type { UnsafeConnectionError } from '../../model/errors/database-setting.errors.js';
import { Refusals } from '../faults/refusals.js';

const known = new WeakMap<DataSource, UnsafeConnections>();

/** Refusals of connections of one data source that have a setting under which no statement may run. */
export class UnsafeConnections extends Refusals<UnsafeConnectionError> {
  private constructor() {
    super((one, other) => one.setting === other.setting);
  }

  /** One for each data source, whatever uses it. */
  static of(dataSource: DataSource): UnsafeConnections {
    let found = known.get(dataSource);
    if (!found) known.set(dataSource, (found = new UnsafeConnections()));
    return found;
  }
}
