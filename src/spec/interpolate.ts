import { Secret } from '../model/secret.js';
import { nearestTo } from './explain.js';
import type { Finding } from './findings.js';
import { SUPPORTED_FEATURES, type Feature } from './future.js';
import { mapScalars, nodeAt, type Node, type Path, type ScalarNode } from './node.js';
import { parseReference, type Reference } from './reference.js';

/** What `${…}` may refer to. */
export interface Scope {
  /** The process's environment. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** `--region`: wins over the file's. */
  readonly region?: string;
  /** The chosen one of the file's environments. */
  readonly environment?: string;
  /** What the caller can carry out. */
  readonly allow?: readonly Feature[];
  /** True: a function's value whose variable is not set is let pass as failed, and not reported. */
  readonly keepUnset?: boolean;
  /** Told of every variable that is asked for, with whether its value is used as a secret there. */
  readonly onVariable?: (name: string, isSecret: boolean) => void;
}

type ConfigValues = Readonly<Record<string, string | undefined>>;

/** One piece of a scalar: text, or an expression between `${` and `}`. */
type Piece = { readonly text: string } | { readonly expression: string } | { readonly unclosed: true };

type Resolved =
  | { readonly value: string; readonly secret: boolean }
  | { readonly reference: Reference }
  | { readonly problem: Problem };
type Problem = Pick<Finding, 'code' | 'message' | 'fix'>;

/** Names whose values are secrets by themselves: allowed as variables of a function, refused anywhere else. */
const SECRET_NAME = /^AWS_|^BUILDKITE_AGENT_|(?:^|_)(?:TOKEN|SECRET|PASSWORD|KEY)$/i;

/** Whether a variable's name says that its value is a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/**
 * Replaces `${NAME}`, `${NAME:-default}` (unset or empty), `${NAME:?message}`, `${secret:NAME}`, `${config:region}` and
 * `$${` in string scalars; `${ssm:…}` and `${secretsmanager:…}` become a template, since AWS is not asked here. Runs on the tree, so a value never changes the structure. Keys are not touched. Everything that cannot be
 * resolved is a finding, all at once; the scalar then counts as failed and is not judged further.
 */
export function interpolate(root: Node, scope: Scope): { readonly root: Node; readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const resolver = (config: ConfigValues | undefined, into: Finding[]) => (node: ScalarNode, path: Path) =>
    typeof node.value === 'string' && node.value.includes('${')
      ? resolveScalar(node, node.value, path, { scope, config, findings: into })
      : node;
  // What is wrong with `region` itself is found again, and reported, in its turn.
  const config = configValues(root, scope, resolver(undefined, []));
  const resolved = mapScalars(root, (node, path) =>
    resolver(isConfigPath(path) ? undefined : config, findings)(node, path),
  );
  return { root: resolved, findings };
}

function isConfigPath(path: Path): boolean {
  return path.length === 1 && (path[0] === 'region' || path[0] === 'account');
}

function configValues(root: Node, scope: Scope, resolve: (node: ScalarNode, path: Path) => ScalarNode): ConfigValues {
  const read = (key: string): string | undefined => {
    const node = nodeAt(root, key);
    if (node?.kind !== 'scalar' || node.value === null) return undefined;
    const resolved = resolve(node, [key]);
    // A failed region is reported where it stands, not again wherever it is used.
    return resolved.interpolated?.failed ? '' : String(resolved.value);
  };
  const { AWS_REGION, AWS_DEFAULT_REGION } = scope.variables;
  const region = scope.region ?? read('region') ?? AWS_REGION ?? AWS_DEFAULT_REGION;
  return { region, account: read('account') };
}

interface Context {
  readonly scope: Scope;
  /** `undefined` while `region` and `account` themselves are resolved. */
  readonly config: ConfigValues | undefined;
  readonly findings: Finding[];
}

function resolveScalar(node: ScalarNode, written: string, path: Path, context: Context): ScalarNode {
  const pieces = split(written);
  let value = '';
  let shown = '';
  let failed = false;
  let isUnset = false;
  let isTemplate = false;
  const template: (Secret | Reference)[] = [];
  const secrets: Secret[] = [];
  for (const piece of pieces) {
    if ('text' in piece) {
      template.push(new Secret(piece.text));
      value += piece.text;
      shown += escapeExpressions(piece.text);
      continue;
    }
    const resolved = 'unclosed' in piece ? UNCLOSED : resolveExpression(piece.expression, path, context);
    if ('problem' in resolved) {
      failed = true;
      isUnset = mayBeUnset(resolved.problem, path, context.scope);
      if (isUnset) break;
      context.findings.push({ ...resolved.problem, position: node.position, path });
    } else if ('reference' in resolved) {
      isTemplate = true;
      template.push(resolved.reference);
      shown += 'expression' in piece ? `\${${piece.expression}}` : '';
    } else {
      if (resolved.secret) secrets.push(new Secret(resolved.value));
      isTemplate ||= resolved.secret && isInPayload(path);
      template.push(new Secret(resolved.value));
      value += resolved.value;
      shown += resolved.secret && 'expression' in piece ? `\${${piece.expression}}` : escapeExpressions(resolved.value);
    }
  }
  const whole = pieces.length === 1 && pieces[0] !== undefined && 'expression' in pieces[0];
  const about = {
    ...{ written, shown, whole, failed },
    ...(isUnset ? { isUnset: true as const } : {}),
    ...(secrets.length === 0 ? {} : { secrets }),
  };
  if (isTemplate && !failed) return { ...node, value: shown, source: shown, interpolated: { ...about, template } };
  return { ...node, value, source: value, interpolated: about };
}

/** What decides where a function is, and what the file leaves to others, has to be known. */
const NEEDED: ReadonlySet<unknown> = new Set(['name', 'region', 'ignoreChanges', 'manage']);

function mayBeUnset({ code }: Problem, path: Path, { keepUnset }: Scope): boolean {
  const inside = insideFunction(path);
  return keepUnset === true && code === 'UNSET_VARIABLE' && inside.length > 0 && !NEEDED.has(inside[0]);
}

/** Text that reads back as itself: a literal `${` is written as `$${`. */
export function escapeExpressions(text: string): string {
  // A replacement text would take `$$` for one dollar.
  return text.replaceAll('${', () => '$${');
}

const UNCLOSED: Resolved = {
  problem: {
    code: 'BAD_INTERPOLATION',
    message: 'A ${ is not closed.',
    fix: 'close it with }, or write $${ for a literal ${.',
  },
};

function split(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let rest = text;
  while (rest !== '') {
    const start = rest.indexOf('${');
    if (start === -1) return [...pieces, { text: rest }];
    if (rest[start - 1] === '$') {
      pieces.push({ text: `${rest.slice(0, start - 1)}\${` });
      rest = rest.slice(start + 2);
      continue;
    }
    if (start > 0) pieces.push({ text: rest.slice(0, start) });
    const end = rest.indexOf('}', start);
    if (end === -1) return [...pieces, { unclosed: true }];
    pieces.push({ expression: rest.slice(start + 2, end) });
    rest = rest.slice(end + 1);
  }
  return pieces;
}

function resolveExpression(expression: string, path: Path, context: Context): Resolved {
  const match = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:-|:\?)(.*))?$/s.exec(expression);
  if (match === null) return resolveOther(expression, path, context);
  const [, name = '', operator, argument = ''] = match;
  if (argument.includes('${'))
    return bad(expression, 'A default cannot contain another ${…}.', 'write one expression after the other.');
  if (isSecretName(name) && !isUnderEnvironment(path)) return misplaced(name, path);
  const value = context.scope.variables[name];
  // `PASSWORD: "${VALUE}"` is as secret as `VALUE: "${PASSWORD}"`.
  const secret = isSecretName(name) || (isUnderEnvironment(path) && isSecretName(String(path.at(-1))));
  context.scope.onVariable?.(name, secret);
  if (operator === ':-') return { value: value === undefined || value === '' ? argument : value, secret };
  if (operator === ':?' && (value === undefined || value === '')) {
    const why = argument || 'it is required';
    const message = `The variable ${name} is not set: ${why}${/[.?!]$/.test(why) ? '' : '.'}`;
    return { problem: { code: 'UNSET_VARIABLE', message, fix: `set ${name}.` } };
  }
  if (value !== undefined) return { value, secret };
  const fix = `set ${name}, or write \${${name}:-default}.`;
  return { problem: { code: 'UNSET_VARIABLE', message: `The variable ${name} is not set.`, fix } };
}

function resolveOther(expression: string, path: Path, context: Context): Resolved {
  const [, kind, argument = ''] = /^([A-Za-z_][A-Za-z0-9_-]*):(.*)$/s.exec(expression) ?? [];
  if (kind === 'config') return resolveConfig(expression, argument, context);
  if (kind === 'ssm' || kind === 'secretsmanager' || kind === 'secret')
    return resolveSecret(expression, kind, argument, path, context);
  if (kind === undefined)
    return bad(expression, 'This is no variable name.', 'write ${NAME}, or $${ for a literal ${.');
  const near = nearestTo(kind, ['config', 'ssm', 'secretsmanager', 'secret']);
  const why = `There is no ${kind}: there are ssm, secretsmanager, secret and config.`;
  return bad(expression, why, near ? `write \${${near}:…}.` : 'write ${NAME}, or $${ for a literal ${.');
}

function resolveSecret(
  expression: string,
  kind: 'ssm' | 'secretsmanager' | 'secret',
  argument: string,
  path: Path,
  { scope }: Context,
): Resolved {
  const inPayload = isInPayload(path);
  if (!inPayload && !isUnderEnvironment(path))
    return {
      problem: {
        code: 'SECRET_MISPLACED',
        message: `\${${expression}} is a secret; ${WHERE_SECRETS}`,
        fix: MOVE_SECRET,
      },
    };
  const allowed = scope.allow ?? SUPPORTED_FEATURES;
  const feature: Feature | undefined = inPayload ? 'payloadReferences' : kind === 'secret' ? undefined : 'references';
  if (feature !== undefined && !allowed.includes(feature)) {
    const message = `\${${kind}:…} is not supported ${inPayload ? 'in a health check ' : ''}yet.`;
    const fix = inPayload ? 'remove it.' : 'hand the value over in an environment variable: ${secret:NAME}.';
    return { problem: { code: 'NOT_YET_SUPPORTED', message, fix } };
  }
  if (/:[-?]/.test(argument))
    return bad(expression, 'A secret has no default.', `write \${${kind}:${argument.replace(/:[-?].*$/s, '')}}.`);
  if (kind === 'secret') {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(argument))
      return bad(expression, 'This is no variable name.', 'write ${secret:NAME}.');
    const value = scope.variables[argument];
    scope.onVariable?.(argument, true);
    if (value !== undefined) return { value, secret: true };
    const message = `The variable ${argument} is not set.`;
    return { problem: { code: 'UNSET_VARIABLE', message, fix: `set ${argument}.` } };
  }
  const reference = parseReference(kind, argument);
  if (reference !== undefined) return { reference };
  return kind === 'ssm'
    ? bad(expression, 'This is no name of a parameter.', 'write ${ssm:/path/name}.')
    : bad(expression, 'This is no id of a secret.', 'write ${secretsmanager:id} or ${secretsmanager:id#key}.');
}

function resolveConfig(expression: string, argument: string, { config, scope }: Context): Resolved {
  const fix = CONFIG_FIXES[argument];
  if (fix === undefined)
    return bad(
      expression,
      'config knows account, region and environment.',
      'write ${config:region}, ${config:account} or ${config:environment}.',
    );
  // `region: eu-${config:environment}` is fine: an environment's name does not depend on the file's values.
  const value = argument === 'environment' ? scope.environment : config?.[argument];
  if (value !== undefined) return { value, secret: false };
  if (config === undefined && argument !== 'environment')
    return bad(expression, '`region` and `account` cannot refer to themselves.', 'write the value, or ${NAME}.');
  const what = argument === 'environment' ? 'environments' : argument;
  const message = `\${config:${argument}} has no value: the file has no \`${what}\`.`;
  return { problem: { code: 'UNSET_VARIABLE', message, fix } };
}

/** What `${config:…}` knows, and what to do where it has no value. */
const CONFIG_FIXES: Readonly<Record<string, string>> = {
  region: 'add `region`, or pass --region.',
  account: 'add `account`.',
  environment: 'add `environments`, or use an environment variable: ${NAME}.',
};

function bad(expression: string, why: string, fix: string): Resolved {
  return { problem: { code: 'BAD_INTERPOLATION', message: `\${${expression}} cannot be resolved. ${why}`, fix } };
}

const WHERE_SECRETS =
  'secrets may stand under `environment` and in the payloads of health checks only, because everything else is printed and recorded.';
const MOVE_SECRET = 'move it under `environment`.';

function misplaced(name: string, path: Path): Resolved {
  const says = `The name ${name} says that its value is a secret;`;
  if (isInPayload(path)) {
    const message = `${says} a payload is printed and recorded as it is written.`;
    return { problem: { code: 'SECRET_MISPLACED', message, fix: `write \${secret:${name}}.` } };
  }
  const message = `${says} secrets may stand under \`environment\` only, because everything else is printed and recorded.`;
  const fix = `move it under \`environment\`, or use a variable whose name does not look like a secret's.`;
  return { problem: { code: 'SECRET_MISPLACED', message, fix } };
}

/** The path inside a function or `defaults`; empty elsewhere. */
function insideFunction(path: Path): Path {
  return path[0] === 'functions' ? path.slice(2) : path[0] === 'defaults' ? path.slice(1) : [];
}

/** `aliases.NAME.healthCheck.payload` and below, in a list of checks too. */
function isInPayload(path: Path): boolean {
  const [aliases, , healthCheck, ...rest] = insideFunction(path);
  const [payload] = typeof rest[0] === 'number' ? rest.slice(1) : rest;
  return aliases === 'aliases' && healthCheck === 'healthCheck' && payload === 'payload';
}

/** `functions.NAME.environment.VARIABLE` and `defaults.environment.VARIABLE`. */
function isUnderEnvironment(path: Path): boolean {
  const inside = insideFunction(path);
  return inside[0] === 'environment' && inside.length === 2;
}
