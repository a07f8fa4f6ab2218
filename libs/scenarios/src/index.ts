/**
 * Mailings that an event or a time begins.
 *
 * @module nestjs-mailing/scenarios
 */
export { dayIn, hourIn } from './calendar.ids.js';
export { MailingScenariosModule } from './mailing-scenarios.module.js';
export { Scenario, SendEmail } from './scenario.decorators.js';
export { ScenarioNotStartedError, ScenarioOptionsError } from './scenario.errors.js';
export { type ScenarioEventMap, ScenarioEvents, type ScenarioListener } from './scenario.events.js';
export type { MailingScenariosOptions, ScenarioAnswer, SendEmailOptions } from './scenario.options.js';
