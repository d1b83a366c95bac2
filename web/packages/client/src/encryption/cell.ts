import type { Json } from '../json.ts';

let made = 0;

/**
 * A plain value on its way to be sealed, in the place that it is for. It is sealed once, so that all who hold it have the
 * same bytes, and it does not travel: a copy, text or disk gets its number and nothing of its value.
 */
export class Cell {
  /** Tells two of them apart, whatever they hold. */
  readonly cell: number;
  readonly #place: string;
  readonly #value: Json;
  readonly #anew: boolean;
  #sealed: Promise<string> | undefined;

  /** `anew`: to be sealed even if the same value stands there. */
  constructor(place: string, value: Json, anew = false) {
    this.cell = ++made;
    this.#place = place;
    this.#value = value;
    this.#anew = anew;
  }

  get place(): string {
    return this.#place;
  }

  get value(): Json {
    return this.#value;
  }

  get anew(): boolean {
    return this.#anew;
  }

  /** Sealed by the first call that comes to something. */
  sealed(seal: (cell: Cell) => Promise<string>): Promise<string> {
    this.#sealed ??= seal(this).catch((error: unknown) => {
      this.#sealed = undefined;
      throw error;
    });
    return this.#sealed;
  }

  toJSON(): string {
    return '(not encrypted yet)';
  }
}
