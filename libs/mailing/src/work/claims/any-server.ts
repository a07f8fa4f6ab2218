/** In `migrationList`: adopt from every dead server. */
export const ANY_SERVER = '*';
