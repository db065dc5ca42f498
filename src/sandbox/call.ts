import { isJsonObject, type Json, type JsonObject } from '../model/json.js';
import type { Code, SandboxState } from './state.js';
import type { Invoker } from './invoke.js';

/** A request, authenticated and taken apart. */
export interface Call {
  readonly state: SandboxState;
  /** From the credential scope. */
  readonly region: string;
  /** Parts of the path by name, decoded: `FunctionName`, `Name`, `Resource`. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** The parsed body; `{}` when there is none. */
  readonly body: JsonObject;
  readonly rawBody: Uint8Array;
  /** A link to the bytes of an archive, good for ten minutes. */
  readonly link: (code: Code) => string;
  readonly invoker: Invoker;
}

/** What goes back over the wire. */
export interface Answer {
  readonly status: number;
  /** JSON; absent: an empty body, or `text`. */
  readonly body?: JsonObject;
  readonly text?: string;
  /** Instead of either: an object's content. */
  readonly bytes?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer with a JSON body. */
export function json(status: number, body: JsonObject): Answer {
  return { status, body };
}

/** A part of the path that the route has. */
export function part(call: Call, name: string): string {
  return call.path[name] ?? '';
}

/** A query parameter; absent and empty are the same. */
export function queryValue(call: Call, name: string): string | undefined {
  const value = call.query.get(name);
  return value === null || value === '' ? undefined : value;
}

/** A map of strings, whatever else stands in it left out. */
export function stringMap(value: Json | undefined): Record<string, string> {
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
}
