import { describe, expect, it } from 'vitest';
import {
  isRefusal,
  type Outcome,
  settled,
  wasAnswered,
  wasTried,
} from '../../libs/mailing/src/model/states/outcome.js';

const outcome = (status: Outcome['status'], code: string | null): Outcome => ({
  idx: 1,
  status,
  code,
  text: null,
});

describe('the state of the transport by an outcome', () => {
  it.each(['template', 'unsubscribe', 'headers', 'attachments'])(
    'is unknown if %s failed before anything was handed over',
    (code) => {
      expect(wasAnswered(outcome('error', code))).toBe(false);
      expect(wasTried(settled(1, 'error', code))).toBe(false);
    },
  );

  it('is unknown if the attachments of a recipient can not be made now', () => {
    const attempt = { kind: 'temporary', idx: 1, code: 'attachments', text: 'down' } as const;
    expect([isRefusal(attempt), wasTried(attempt)]).toEqual([false, false]);
    const refused = { ...attempt, code: '4.7.1' };
    expect([isRefusal(refused), wasTried(refused)]).toEqual([true, true]);
  });

  it('is working if the mail server answered', () => {
    expect(wasAnswered(outcome('sent', null))).toBe(true);
    expect(wasAnswered(outcome('error', '5.1.1'))).toBe(true);
    expect(wasTried(settled(1, 'error', '5.1.1'))).toBe(true);
  });

  it('is unknown if a recipient was skipped or is in doubt', () => {
    expect(wasAnswered(outcome('skipped', 'opted_out'))).toBe(false);
    expect(wasAnswered(outcome('in_doubt', 'connection'))).toBe(false);
  });
});
