import type { MailingTemplate, TemplateRenderer } from '../../model/ports/template.renderer.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import { type CheckedRequest, fillRequest } from './mailing-request.check.js';

/** A checked request with its templates and the fields that they fill in. */
export interface OpenedRequest {
  info: TemplateEmailInfo;
  template: MailingTemplate;
}

/** Opens the templates: it tries each one once and reads all content that will be shown. A run later opens that content, on any server. */
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
