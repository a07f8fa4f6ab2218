import { MailingError } from '../errors/mailing.error.js';

/** One of the two calls. */
export interface ModuleCall {
  /** Name of the host's class that imports the dynamic module; null if Nest does not tell. */
  importedBy: string | null;
  /** `file:line:column`; null where it is not known. */
  at: string | null;
}

/** `forRoot` or `forRootAsync` of one of the plugin's modules was called twice in one application. */
export class MailingModuleTwiceError extends MailingError {
  readonly code = 'MAILING_MODULE_TWICE';
  /** The class that both calls were made on, for example `MailingModule`. */
  readonly module: string;

  constructor(
    { module, scope, consequence }: { module: string; scope?: string; consequence: string },
    readonly first: ModuleCall,
    readonly second: ModuleCall,
  ) {
    super(
      `${module}: expected one call of forRoot or forRootAsync in an application${scope ? ` for ${scope}` : ''}, ` +
        `got a second one${placeOf(second)}, beside the one${placeOf(first)}. ${consequence} ` +
        'Call it once, in the root module. Where other modules need its providers, make it global, or have one module import and export it ' +
        'and the others import that module.',
    );
    this.module = module;
  }
}

function placeOf({ importedBy, at }: ModuleCall): string {
  const inModule = importedBy === null ? '' : ` in ${importedBy}`;
  return at === null ? inModule : `${inModule} (${at})`;
}
