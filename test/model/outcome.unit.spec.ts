import { describe, expect, it } from 'vitest';
import { type Outcome, settled, wasAnswered, wasTried } from '../../libs/mailing/src/model/states/outcome.js';

const outcome = (status: Outcome['status'], code: string | null): Outcome => ({
  idx: 1,
  status,
  code,
  text: null,
});

describe('what an outcome says about the transport', () => {
  it.each(['template', 'unsubscribe'])('nothing, where %s failed before anything was handed over', (code) => {
    expect(wasAnswered(outcome('error', code))).toBe(false);
    expect(wasTried(settled(1, 'error', code))).toBe(false);
  });

  it('that it works, where the mail server answered', () => {
    expect(wasAnswered(outcome('sent', null))).toBe(true);
    expect(wasAnswered(outcome('error', '5.1.1'))).toBe(true);
    expect(wasTried(settled(1, 'error', '5.1.1'))).toBe(true);
  });

  it('nothing, where somebody was skipped or is in doubt', () => {
    expect(wasAnswered(outcome('skipped', 'opted_out'))).toBe(false);
    expect(wasAnswered(outcome('in_doubt', 'connection'))).toBe(false);
  });
});
