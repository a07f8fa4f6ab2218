import type { MailingTemplate, TemplateRenderer } from '../../model/ports/template.renderer.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import { type CheckedRequest, fillRequest } from './mailing-request.check.js';

/** A checked request with its templates, and with all that they fill in. */
export interface OpenedRequest {
  info: TemplateEmailInfo;
  template: MailingTemplate;
}

/** Opening tries each template once, and reads all that will be shown; a run opens what was read, wherever that will be. */
export async function openRequest(
  renderer: TemplateRenderer,
  { info: copy, checkList, fetchAttachments }: CheckedRequest,
): Promise<OpenedRequest> {
  await checkList();
  const info = { ...copy, attachments: await fetchAttachments() };
  const template = await renderer.open(info);
  const filled = fillRequest(info, template.fills);
  if (filled === info) return { info, template };
  return { info: filled, template: await renderer.open(filled, template.content) };
}
