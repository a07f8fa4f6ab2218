import type { DataSource } from 'typeorm';
import { tokenOf } from '../values/token.js';

/** Injection token of the host's data source, whatever its name. */
export const MAILING_DATA_SOURCE = tokenOf<DataSource>('MAILING_DATA_SOURCE');
