/** Any JSON value. Values of a document are shared and frozen by convention: never change one in place. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}
