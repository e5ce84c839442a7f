/** A request to a URL that nobody may see. */
import type { Clock } from '../base/clock.ts';
import { HoldfastError, systemCode } from '../base/errors.ts';

export interface HookRequest {
  /** A secret, with its path and query. */
  url: string;
  method: 'GET' | 'POST';
  /** Values are secret. */
  headers: Readonly<Record<string, string>>;
  body?: string;
  timeoutMs: number;
  clock: Clock;
  signal: AbortSignal;
}

/** Pauses before each further try, in milliseconds. */
const pausesMs = [500, 2000, 5000];
/** Milliseconds that one try may take. */
const oneTryMs = 10_000;

/**
 * Sends it, again when that may help, until the time is over.
 *
 * @throws HoldfastError `failed`, `config`; neither holds the URL nor a part of it
 */
export async function request(asked: HookRequest): Promise<void> {
  const { clock, signal, timeoutMs } = asked;
  assertUrl(asked.url);
  const end = clock.monotonic() + timeoutMs;
  for (let tries = 0; ; tries++) {
    const left = end - clock.monotonic();
    const { why, final } = await oneTry(asked, Math.min(oneTryMs, left));
    if (why === undefined) return;
    signal.throwIfAborted();
    const pause = pausesMs[tries];
    if (final || pause === undefined || clock.monotonic() + pause >= end) {
      throw new HoldfastError('failed', 'The URL of the hook was not told.', {
        why: `${why}${tries > 0 ? ` It was tried ${tries + 1} times.` : ''}`,
        hint: 'Try it: holdfast notify test',
      });
    }
    await clock.sleep(pause, signal);
  }
}

/** Adds to the path of a URL, before its query. */
export function withSuffix(url: string, suffix: string): string {
  assertUrl(url);
  const parsed = new URL(url);
  parsed.pathname = parsed.pathname.replace(/\/$/, '') + suffix;
  return parsed.href;
}

interface Tried {
  why?: string;
  /** The same again would get the same answer. */
  final?: boolean;
}

async function oneTry({ url, method, headers, body, clock, signal }: HookRequest, timeoutMs: number): Promise<Tried> {
  const over = new AbortController();
  const stop = () => over.abort();
  signal.addEventListener('abort', stop, { once: true });
  let late = false;
  clock.sleep(Math.max(1, timeoutMs), over.signal).then(
    () => {
      late = true;
      over.abort();
    },
    () => {},
  );
  try {
    const answer = await fetch(url, {
      method,
      headers: {
        'user-agent': 'holdfast',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body }),
      // A redirect could carry the event, and the headers, to somewhere else.
      redirect: 'manual',
      signal: over.signal,
    });
    await answer.body?.cancel();
    if (answer.ok) return {};
    const { status } = answer;
    const again = status >= 500 || status === 408 || status === 425 || status === 429;
    const moved = status >= 300 && status < 400 ? ' Name the place that it redirects to.' : '';
    return { why: `The answer was status ${status}.${moved}`, final: !again };
  } catch (error) {
    if (late) return { why: 'No answer came in time.' };
    // Messages of the network name the host, and those of a header its value.
    const code = systemCode((error as { cause?: unknown }).cause) ?? systemCode(error);
    return {
      why: code === undefined ? 'It could not be sent.' : `The system says ${code}.`,
      final: code === undefined,
    };
  } finally {
    signal.removeEventListener('abort', stop);
    over.abort();
  }
}

function assertUrl(url: string): void {
  const protocol = URL.canParse(url) ? new URL(url).protocol : undefined;
  if (protocol === 'https:' || protocol === 'http:') return;
  throw new HoldfastError('config', 'The secret of the hook is no URL.', {
    why: 'It must begin with https:// or http://.',
    hint: 'Look at what `url` of the hook names.',
  });
}
