import type { MailerService } from '@nestjs-modules/mailer';
import type { Transporter } from 'nodemailer';

type Step = Parameters<Transporter['use']>[0];
type Plugin = Parameters<Transporter['use']>[1];

/** Private fields of nodemailer and the mailer. */
interface Insides {
  _userPlugins?: Partial<Record<Step, Plugin[]>>;
  _defaults?: object;
}
interface MailerInsides {
  mailerOptions?: { plugins?: unknown[]; preview?: unknown };
  templateAdapter?: unknown;
}

/** Defaults of the mailer that do not change our messages: each message sets these fields itself or does not use them. */
const IDLE_DEFAULTS = new Set(['from', 'subject', 'template', 'context']);

/** Our own plugins, which do not change the content of a message. */
const ours = new WeakSet<Plugin>();

/** Adds a plugin of ours. */
export function addOwnPlugin(transporter: Transporter, step: Step, plugin: Plugin): void {
  ours.add(plugin);
  transporter.use(step, plugin);
}

/**
 * What the host has added between its mailer and the mail server, and what may therefore change a message.
 *
 * @returns null if nothing can change our messages.
 */
export function additionsOf(transporter: Transporter, mailer: MailerService): string | null {
  const { _userPlugins = {}, _defaults = {} } = transporter as unknown as Insides;
  const { mailerOptions, templateAdapter } = mailer as unknown as MailerInsides;
  const numOthers = (step: Step): number => (_userPlugins[step] ?? []).filter((one) => !ours.has(one)).length;
  // With an adapter, one plugin at the step `compile` is the mailer's own, for templates, which we do not use.
  const hasPlugins = numOthers('compile') > (templateAdapter ? 1 : 0) || numOthers('stream') > 0;
  if (hasPlugins || mailerOptions?.plugins?.length || mailerOptions?.preview) return 'plugins';
  const given = Object.keys(_defaults).find((name) => !IDLE_DEFAULTS.has(name));
  return given === undefined ? null : `the default ${given}`;
}
