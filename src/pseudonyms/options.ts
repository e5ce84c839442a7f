import { HoldfastError } from '../base/errors.ts';

/** The options of one transformer as they stand in a rule: plain data, checked here without a schema library. */
export type RawOptions = Readonly<Record<string, unknown>>;

/** Reads options one by one; `done` refuses those nobody asked for. */
export class Options {
  readonly kind: string;
  readonly #raw: RawOptions;
  readonly #known = new Set<string>();

  constructor(kind: string, raw: RawOptions = {}) {
    this.kind = kind;
    this.#raw = raw;
  }

  #fail(name: string, why: string): never {
    throw new HoldfastError('config', `The option \`${name}\` of \`${this.kind}\` is wrong.`, { why });
  }

  /** The raw value, for options with a form of their own. */
  raw(name: string): unknown {
    this.#known.add(name);
    return this.#raw[name];
  }

  text(name: string): string | undefined {
    const value = this.raw(name);
    if (value === undefined || typeof value === 'string') return value;
    return this.#fail(name, 'It must be a text.');
  }

  requiredText(name: string): string {
    return this.text(name) ?? this.#fail(name, 'It is missing.');
  }

  integer(name: string, range: { min: number; max: number }, fallback: number): number;
  integer(name: string, range: { min: number; max: number }): number | undefined;
  integer(name: string, { min, max }: { min: number; max: number }, fallback?: number): number | undefined {
    const value = this.raw(name);
    if (value === undefined) return fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    return this.#fail(name, `It must be a whole number from ${min} to ${max}.`);
  }

  /** A number, or a whole number of any size written as text. */
  bigint(name: string): bigint | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
    if (typeof value === 'string' && /^-?\d{1,40}$/.test(value)) return BigInt(value);
    return this.#fail(name, 'It must be a whole number; large ones are written in quotes.');
  }

  number(name: string, { min, max }: { min: number; max: number }, fallback: number): number {
    const value = this.raw(name);
    if (value === undefined) return fallback;
    if (typeof value === 'number' && value >= min && value <= max) return value;
    return this.#fail(name, `It must be a number from ${min} to ${max}.`);
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.raw(name);
    if (value === undefined) return fallback;
    if (typeof value === 'boolean') return value;
    return this.#fail(name, 'It must be true or false.');
  }

  choice<T extends string>(name: string, choices: readonly T[], fallback: T): T {
    const value = this.raw(name);
    if (value === undefined) return fallback;
    return choices.find((choice) => choice === value) ?? this.#fail(name, `It must be one of ${choices.join(', ')}.`);
  }

  texts(name: string): readonly string[] {
    const value = this.raw(name);
    if (value === undefined) return [];
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    return this.#fail(name, 'It must be a list of texts.');
  }

  numbers(name: string): readonly number[] | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((item) => typeof item === 'number' && Number.isFinite(item))) return value;
    return this.#fail(name, 'It must be a list of numbers.');
  }

  /** @throws HoldfastError `config` when an option is none of those that were read */
  done(): void {
    const unknown = Object.keys(this.#raw).find((name) => !this.#known.has(name));
    if (unknown !== undefined)
      throw new HoldfastError('config', `\`${this.kind}\` has no option \`${unknown}\`.`, {
        why: this.#known.size > 0 ? `It takes ${[...this.#known].join(', ')}.` : 'It takes none.',
      });
  }
}
