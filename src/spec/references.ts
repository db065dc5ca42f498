import type { DesiredAlias, DesiredFunction, HealthCheck } from '../model/function.js';
import { jsonPointer } from '../model/json.js';
import type { SecretRead } from '../model/ports.js';
import { joinSecrets, memberOfSecret, Secret } from '../model/secret.js';
import type { Path } from './node.js';
import { keyOf, type Reference, type ReferenceKey, type Template } from './reference.js';

/** A value of the file's that has references in it, and where it goes. */
export type TemplateLeaf = { readonly template: Template } & (
  | { readonly variable: string }
  | { readonly alias: string; readonly check: number; /** Inside the payload. */ readonly path: Path }
);

/** What a function needs of the file to be completed. */
export type Completable = Pick<DesiredFunction, 'environment' | 'unknownVariables' | 'aliases'> & {
  readonly templates: readonly TemplateLeaf[];
};

/** What AWS must be asked for, each once, sorted. */
export interface References {
  /** For GetParameters. */
  readonly parameters: readonly string[];
  /** For GetSecretValue. */
  readonly secrets: readonly string[];
}

/** The references of all functions. Both lists are empty in a file without: then no client is needed. */
export function collectReferences(spec: { readonly functions: readonly Completable[] }): References {
  const parts = spec.functions.flatMap(({ templates }) => templates.flatMap(({ template }) => [...template]));
  const idsOf = (source: Reference['source']): readonly string[] => {
    const ids = parts.flatMap((part) => (!(part instanceof Secret) && part.source === source ? [part.id] : []));
    return [...new Set(ids)].sort();
  };
  return { parameters: idsOf('ssm'), secrets: idsOf('secretsmanager') };
}

/**
 * A function with its references replaced by what was read. What has no value is listed as unknown with the reason, in
 * `unknownVariables` and `payloadUnknown`; it is never empty and never left out in silence. Calls nothing.
 *
 * @param values by {@link ReferenceKey}, as its region has them; what is not in it counts as not read
 */
export function complete<One extends Completable>(one: One, values: ReadonlyMap<string, SecretRead>): One {
  if (one.templates.length === 0) return one;
  const environment = { ...one.environment };
  const unknown: Record<string, string> = {};
  let aliases = one.aliases;
  for (const leaf of one.templates) {
    const filled = fill(leaf.template, values);
    if ('variable' in leaf) {
      if ('value' in filled) environment[leaf.variable] = filled.value;
      else unknown[leaf.variable] = filled.unknown;
    } else aliases = aliases.map((alias) => (alias.name === leaf.alias ? withPayload(alias, leaf, filled) : alias));
  }
  const { unknownVariables: _, ...rest } = one;
  return {
    ...rest,
    ...(one.environment ? { environment } : {}),
    ...(Object.keys(unknown).length === 0 ? {} : { unknownVariables: unknown }),
    aliases,
  } as One;
}

/** Each value that a function's references stand for, by itself: for the redactor. */
export function valuesRead({ templates }: Completable, values: ReadonlyMap<string, SecretRead>): readonly Secret[] {
  const references = templates.flatMap(({ template }) =>
    template.flatMap((part) => (part instanceof Secret ? [] : [part])),
  );
  return references.flatMap((reference) => {
    const read = valueOf(reference, values);
    return 'value' in read ? [read.value] : [];
  });
}

function fill(template: Template, values: ReadonlyMap<string, SecretRead>): SecretRead {
  const pieces: Secret[] = [];
  for (const part of template) {
    const read = part instanceof Secret ? { value: part } : valueOf(part, values);
    if ('unknown' in read) return read;
    pieces.push(read.value);
  }
  return { value: joinSecrets(pieces) };
}

function valueOf(reference: Reference, values: ReadonlyMap<string, SecretRead>): SecretRead {
  const key: ReferenceKey = keyOf(reference);
  const read = values.get(key) ?? { unknown: `${key} was not read.` };
  if (reference.member === undefined || 'unknown' in read) return read;
  const value = memberOfSecret(read.value, reference.member);
  return value === undefined ? { unknown: `${key} is no JSON with the key ${reference.member}.` } : { value };
}

function withPayload(
  alias: DesiredAlias,
  { check, path }: { readonly check: number; readonly path: Path },
  read: SecretRead,
): DesiredAlias {
  const pointer = jsonPointer(path);
  const healthChecks = alias.healthChecks.map((one, index): HealthCheck => {
    if (index !== check) return one;
    const { payloadSecrets = {}, payloadUnknown = {}, ...rest } = one;
    const { [pointer]: _, ...otherUnknown } = payloadUnknown;
    const secrets = 'value' in read ? { ...payloadSecrets, [pointer]: read.value } : payloadSecrets;
    const unknown = 'value' in read ? otherUnknown : { ...otherUnknown, [pointer]: read.unknown };
    return {
      ...rest,
      ...(Object.keys(secrets).length === 0 ? {} : { payloadSecrets: secrets }),
      ...(Object.keys(unknown).length === 0 ? {} : { payloadUnknown: unknown }),
    };
  });
  return { ...alias, healthChecks };
}
