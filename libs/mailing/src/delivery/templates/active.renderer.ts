import { askHost, HOST_CALL_TIMEOUT_MS, HostAnswerError } from '../../model/host-calls/host-call.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import type {
  MailingTemplate,
  TemplateContent,
  TemplateRenderer,
} from '../../model/ports/template.renderer.js';
import { isPlainObject, kindOf } from '../../model/values/value-kind.js';

const CALL = 'TemplateRenderer.open';

/** The renderer in use: the plugin's own, or the host's, which may be in any module and is found only once the application is assembled. */
export class ActiveRenderer implements TemplateRenderer {
  /** @param timeoutMs how long it may take to open a mailing's templates. */
  constructor(
    private renderer: TemplateRenderer,
    private readonly timeoutMs = HOST_CALL_TIMEOUT_MS,
  ) {}

  /** Called once, while the module is initialized. */
  use(renderer: TemplateRenderer): void {
    this.renderer = renderer;
  }

  /** @throws what the renderer throws; HostSilentError; HostAnswerError if it returns no template. */
  async open(info: TemplateEmailInfo, kept?: TemplateContent | null): Promise<MailingTemplate> {
    const terms = { call: CALL, timeoutMs: this.timeoutMs };
    const template = await askHost(terms, () => this.renderer.open(info, kept));
    if (typeof template?.render !== 'function')
      throw new HostAnswerError(CALL, 'a template with a function render', kindOf(template));
    if (!isPlainObject(template.content))
      throw new HostAnswerError(CALL, 'content of the template to be an object', kindOf(template.content));
    return template;
  }
}
