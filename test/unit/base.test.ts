import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { exitStatus, fromPlainError, HoldfastError, isHoldfastError, toPlainError } from '../../src/base/errors.ts';
import { formatBytes, formatCount, formatDuration } from '../../src/base/units.ts';

describe('units', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.50 KiB'],
    [10 * 1024 * 1024, '10.0 MiB'],
    [250 * 1024 ** 3, '250 GiB'],
  ])('formats %d bytes as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [900, '0.9 s'],
    [59_400, '59 s'],
    [83_000, '1 min 23 s'],
    [7_260_000, '2 h 1 min'],
    [90_000_000, '1 d 1 h'],
  ])('formats %d ms as %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it('groups the digits of counts', () => expect(formatCount(1234567)).toBe('1 234 567'));
});

describe('errors', () => {
  it('survive the way between threads with code, why and hint', () => {
    const error = new HoldfastError('site-full', 'The site is full.', { why: 'No space.', hint: 'Make some.' });
    const back = fromPlainError(structuredClone(toPlainError(error)));
    expect(back).toMatchObject({
      code: 'site-full',
      message: 'The site is full.',
      why: 'No space.',
      hint: 'Make some.',
    });
    expect(isHoldfastError(back, 'site-full')).toBe(true);
    expect(isHoldfastError(back, 'partial')).toBe(false);
  });

  it('give the exit statuses that scripts rely on', () => {
    expect(exitStatus).toMatchObject({
      usage: 2,
      partial: 3,
      'verification-failed': 4,
      'could-not-verify': 5,
      'no-repository': 10,
      'lease-held': 11,
      'wrong-key': 12,
      interrupted: 130,
    });
  });
});

describe('clock', () => {
  it('stops sleeping when aborted, with the reason given', async () => {
    const controller = new AbortController();
    const slept = systemClock.sleep(60_000, controller.signal);
    controller.abort(new HoldfastError('interrupted', 'Stopped.'));
    await expect(slept).rejects.toMatchObject({ code: 'interrupted' });
  });
});
