import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnModuleInit,
  type Type,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import {
  calledOnce,
  MailingEvents,
  MailingProfiles,
  MailingSuppressions,
  noteCall,
  type NotedCall,
  UnsubscribeTokens,
} from '../../mailing/src/index.js';
import { UNSUBSCRIBE_PLACE } from './mailing-unsubscribe.errors.js';
import {
  type ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  type OPTIONS_TYPE,
} from './mailing-unsubscribe.definition.js';
import {
  type MailingUnsubscribeOptions,
  type MailingUnsubscribeSettings,
  toMailingUnsubscribeSettings,
} from './mailing-unsubscribe.options.js';
import { UnsubscribeController } from './unsubscribe.controller.js';
import { UnsubscribePage } from './unsubscribe.page.js';
import { UnsubscribeStores } from './unsubscribe.stores.js';
import { Unsubscriber } from './unsubscriber.js';

const SETTINGS = Symbol('MAILING_UNSUBSCRIBE_SETTINGS');

const settings = {
  provide: SETTINGS,
  useFactory: (options: MailingUnsubscribeOptions) => toMailingUnsubscribeSettings(options),
  inject: [MODULE_OPTIONS_TOKEN],
};

const page = {
  provide: UnsubscribePage,
  useFactory: ({ texts }: MailingUnsubscribeSettings) => new UnsubscribePage(texts),
  inject: [SETTINGS],
};

/**
 * Answers unsubscribe links that `MailingModule` has signed (`unsubscribe.baseUrl`), at `/unsubscribe`. With `RouterModule` it answers
 * elsewhere.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     MailingModule.forRoot({
 *       templates: { dir: join(import.meta.dirname, 'templates') },
 *       profileRepository: ShopProfiles,
 *       unsubscribe: { baseUrl: 'https://shop.example/unsubscribe', secret: newSecret },
 *     }),
 *     MailingUnsubscribeModule.forRoot(),
 *   ],
 * })
 * class NewsletterModule {}
 * ```
 */
@Module({})
export class MailingUnsubscribeModule
  extends ConfigurableModuleClass
  implements OnModuleInit, OnApplicationBootstrap
{
  constructor(
    @Inject(SETTINGS) private readonly settings: MailingUnsubscribeSettings,
    @Inject(UnsubscribeStores) private readonly stores: UnsubscribeStores,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
  ) {
    super();
  }

  /**
   * Registers the controller with options at hand. Call it once for an application.
   *
   * @throws MailingUnsubscribeOptionsError, UnsubscribeSecretError, MailingModuleTwiceError when the application starts.
   */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return withController(super.forRoot(options), noteCall(MailingUnsubscribeModule, 'forRoot'));
  }

  /**
   * The same with options from a factory, a class or an existing provider.
   *
   * @throws MailingUnsubscribeOptionsError, UnsubscribeSecretError, MailingModuleTwiceError when the application starts.
   */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return withController(super.forRootAsync(options), noteCall(MailingUnsubscribeModule, 'forRootAsync'));
  }

  async onModuleInit(): Promise<void> {
    const { profileRepository, suppressionList } = this.settings;
    const profiles = profileRepository ? await this.#find(profileRepository) : null;
    if (profiles && !profiles.setReceiveEmail) {
      const expected = 'a class with the method setReceiveEmail';
      throw UNSUBSCRIBE_PLACE.of('profileRepository').wrong(expected, profiles, 'one without it');
    }
    const suppressions = suppressionList ? await this.#find(suppressionList) : null;
    const profilesOfMailings = this.#anywhere(MailingProfiles);
    const suppressionsOfMailings = this.#anywhere(MailingSuppressions);
    this.stores.use({
      tokens: this.#tokens(),
      profiles: () => profiles ?? profilesOfMailings?.inUse ?? null,
      suppressions: () => suppressions ?? suppressionsOfMailings?.inUse ?? null,
      events: this.#anywhere(MailingEvents),
    });
  }

  /** Not earlier: what the mailings use is found while the modules are initialized, in any order. */
  onApplicationBootstrap(): void {
    if (this.stores.hasAny) return;
    const expected =
      'there, or suppressionList, here or in MailingModule, because unsubscriptions have to be stored';
    throw UNSUBSCRIBE_PLACE.of('profileRepository').wrong(expected, null, 'neither');
  }

  #tokens(): UnsubscribeTokens {
    const { secret } = this.settings;
    const tokens = secret === null ? this.#anywhere(UnsubscribeTokens) : new UnsubscribeTokens(secret);
    if (tokens) return tokens;
    const nextStep =
      'Give it, or import MailingModule in the same application with unsubscribe: { baseUrl, secret }.';
    throw UNSUBSCRIBE_PLACE.of('secret').wrong('there', null, 'none', nextStep);
  }

  /** Finds a provider of the host in any module. Nest instantiates a class that is no provider. */
  async #find<T>(type: Type<T>): Promise<T> {
    return this.#anywhere(type) ?? (await this.moduleRef.create(type));
  }

  #anywhere<T>(type: Type<T>): T | null {
    try {
      return this.moduleRef.get(type, { strict: false });
    } catch {
      return null;
    }
  }
}

function withController(definition: DynamicModule, call: NotedCall): DynamicModule {
  const made = {
    ...definition,
    controllers: [UnsubscribeController],
    providers: [...(definition.providers ?? []), settings, page, UnsubscribeStores, Unsubscriber],
    exports: [Unsubscriber],
  };
  call.outer = calledOnce(made, call, {
    module: 'MailingUnsubscribeModule',
    consequence:
      'Of two controllers at one path one answers, and the options of the other would be without effect.',
  });
  return call.outer;
}
