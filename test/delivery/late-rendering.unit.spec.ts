import { describe, expect, it } from 'vitest';
import { bareDelivery } from './bare-delivery.js';
import type { Attempt } from '../../libs/mailing/src/model/states/outcome.js';
import type { MailingTemplate } from '../../libs/mailing/src/model/ports/template.renderer.js';

describe('a message with asynchronous rendering', () => {
  const stop = (): AbortController => new AbortController();

  async function attempt(
    render: MailingTemplate['render'],
    { signal }: AbortController = stop(),
    mayStart = (): boolean => true,
  ): Promise<Attempt> {
    const delivery = bareDelivery({ messageTimeoutMs: 20 }, render);
    const [prepared] = await delivery.prepare([{ idx: 3, email: 'ann@home.example' }]);
    return delivery.deliver(prepared, {
      stop: signal,
      wanted: () => signal,
      mayStart,
      begin: () => () => undefined,
    });
  }

  it('fails for its recipient after a timeout if it is never rendered', async () => {
    expect(await attempt(() => new Promise(() => undefined))).toMatchObject({
      outcome: {
        idx: 3,
        status: 'error',
        code: 'template',
        text: expect.stringContaining(
          'MailingTemplate.render: no answer within 20 ms (run.messageTimeoutMs)',
        ) as string,
      },
    });
  });

  it('is returned if rendering fails after a stop', async () => {
    const stopping = stop();
    const attempted = attempt(
      () =>
        new Promise((_, reject) => {
          stopping.signal.addEventListener('abort', () => reject(new Error('the pool is closed')));
          queueMicrotask(() => stopping.abort());
        }),
      stopping,
    );
    expect(await attempted).toMatchObject({ kind: 'returned', idx: 3, blame: 'none' });
  });

  it('is returned if rendering fails when the run may start nothing any more', async () => {
    let may = true;
    const render = async (): Promise<never> => {
      may = false;
      throw new Error('the pool is closed');
    };
    expect(await attempt(render, stop(), () => may)).toMatchObject({ kind: 'returned', blame: 'none' });
  });

  it('fails for its recipient if rendering rejects or throws', async () => {
    const failed = { outcome: { status: 'error', code: 'template', text: 'no words' } };
    expect(await attempt(() => Promise.reject(new Error('no words')))).toMatchObject(failed);
    const atOnce = (): never => {
      throw new Error('no words');
    };
    expect(await attempt(atOnce)).toMatchObject(failed);
  });
});
