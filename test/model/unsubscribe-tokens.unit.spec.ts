import fc from 'fast-check';
import { UnsubscribeSecretError, type UnsubscribeTarget, UnsubscribeTokens } from 'nestjs-mailing';
import { afterEach, describe, expect, it, vi } from 'vitest';

const SECRET = 'a secret that only tests know, and nobody else';
const OTHER = 'another secret that only tests know, for a while';
const ANN: UnsubscribeTarget = { mailingId: '0197-mailing', idx: 7, email: 'ann@home.example' };

const targets: fc.Arbitrary<UnsubscribeTarget> = fc
  .record({
    mailingId: fc.option(fc.uuid()),
    idx: fc.nat(),
    who: fc.string({ unit: 'binary', minLength: 1, maxLength: 100 }),
    kind: fc.constantFrom('userId', 'email'),
  })
  .map(({ mailingId, idx, who, kind }) => ({ mailingId, idx, [kind]: Buffer.from(who).toString() }));

describe('UnsubscribeTokens', () => {
  const tokens = new UnsubscribeTokens(SECRET);

  afterEach(() => {
    vi.useRealTimers();
  });

  it('verifies the target of every signed token', () => {
    fc.assert(
      fc.property(targets, (target) => {
        expect(tokens.verify(tokens.sign(target))).toEqual(target);
      }),
    );
  });

  it('makes tokens that need no URL encoding and fit into a URL', () => {
    fc.assert(
      fc.property(targets, (target) => {
        const token = tokens.sign(target);
        expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(token.length).toBeLessThan(2_000);
      }),
    );
    expect(tokens.sign(ANN).length).toBeLessThan(160);
  });

  it('does not reveal the recipient in a token', () => {
    const bytes = Buffer.from(tokens.sign(ANN).slice(1), 'base64url').toString('latin1');
    for (const word of ['ann@home', 'home.example', '0197']) expect(bytes).not.toContain(word);
  });

  it('refuses a token with any character changed, missing, or added', () => {
    const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. \n'.split('');
    fc.assert(
      fc.property(
        targets,
        fc.nat(),
        fc.constantFrom(...characters, ''),
        fc.nat({ max: 1 }),
        (target, place, other, length) => {
          const token = tokens.sign(target);
          const at = place % (token.length + 1);
          const changed = token.slice(0, at) + other + token.slice(at + length);
          fc.pre(changed !== token);
          expect(tokens.verify(changed)).toBeNull();
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('refuses a token with any bit changed', () => {
    const bytes = Buffer.from(tokens.sign(ANN).slice(1), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] ^= 1 << (bit & 7);
      expect(tokens.verify(`1${changed.toString('base64url')}`)).toBeNull();
    }
  });

  it('refuses any other value', () => {
    const base64 = fc.base64String().map((text) => `1${text}`);
    fc.assert(
      fc.property(fc.oneof(fc.anything(), base64), (value) => {
        expect(tokens.verify(value)).toBeNull();
      }),
    );
    expect(tokens.verify(`2${tokens.sign(ANN).slice(1)}`)).toBeNull();
    expect(tokens.verify([tokens.sign(ANN)])).toBeNull();
    expect(tokens.verify(`1${'A'.repeat(50_000_000)}`)).toBeNull();
  });

  it('signs nothing that it would not verify', () => {
    const mailingId = '0'.repeat(36);
    const long = { mailingId, idx: 2 ** 31 - 1, userId: 'ü'.repeat(255) };
    expect(tokens.verify(tokens.sign(long))).toEqual(long);
    const refused = { code: 'MAILING_ARGUMENT_INVALID', argument: 'sign: userId' };
    expect(() => tokens.sign({ mailingId, idx: 7, userId: '\u0001'.repeat(255) })).toThrow(
      expect.objectContaining(refused),
    );
    expect(() => tokens.sign({ mailingId, idx: 7, userId: 'a'.repeat(256) })).toThrow(
      expect.objectContaining(refused),
    );
    expect(() => tokens.sign({ mailingId, idx: 7, email: `${'a'.repeat(255)}` })).toThrow(
      expect.objectContaining({ argument: 'sign: email' }),
    );
  });

  it('refuses tokens of another secret, and accepts all of its own', () => {
    const both = new UnsubscribeTokens([OTHER, SECRET]);
    expect(both.verify(tokens.sign(ANN))).toEqual(ANN);
    expect(tokens.verify(both.sign(ANN))).toBeNull();
    expect(new UnsubscribeTokens(OTHER).verify(both.sign(ANN))).toEqual(ANN);
  });

  it('accepts tokens for ever, or for the configured lifetime', () => {
    vi.useFakeTimers({ now: new Date('2026-01-01') });
    const token = tokens.sign(ANN);
    vi.setSystemTime(new Date('2036-01-01'));
    expect(tokens.verify(token)).toEqual(ANN);
    const aDay = new UnsubscribeTokens(SECRET, { lifetimeMs: 86_400_000 });
    expect(aDay.verify(token)).toBeNull();
    vi.setSystemTime(new Date('2026-01-01T23:59:59Z'));
    expect(aDay.verify(token)).toEqual(ANN);
  });

  it.each([
    ['too short', 'short', 'a text of 5 characters'],
    ['one of them too short', [SECRET, 'short'], 'a text of 5 characters'],
    ['none', [], 'an empty list'],
    ['absent', undefined, 'a value of type undefined'],
    ['a number', 7, 'a value of type number'],
  ])('refuses a secret that is %s, and does not show it', (_, secrets, got) => {
    const error = (() => {
      try {
        return new UnsubscribeTokens(secrets as string);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(UnsubscribeSecretError);
    expect(error).toMatchObject({ code: 'MAILING_UNSUBSCRIBE_SECRET', got });
    expect((error as Error).message).not.toContain('short');
  });
});
