import type { Finding } from './findings.js';
import { isSecretName } from './interpolate.js';
import { formatPath, mapAt, nodeAt, textAt, type MapNode, type Path, type ScalarNode } from './node.js';
import { DEPRECATED_RUNTIMES, RUNTIMES_READ_ON } from './runtimes.js';

/** A variable that is another one in every build. */
export const BUILD_VARIABLE =
  /\$\{(\w*(?:BUILD_(?:NUMBER|ID|URL)|RUN_(?:NUMBER|ID)|JOB_ID|PIPELINE_ID|COMMIT|SHA|TIMESTAMP))\b/;

/** What well-known services put at the start of a credential: each alone is enough, whatever the variable is called. */
const KNOWN_SECRET =
  /^(?:(?:AKIA|ASIA)[A-Z0-9]{16}$|gh[pousr]_\w{36}|github_pat_\w{22}|glpat-[\w-]{20}|xox[abprs]-[\w-]{10}|sk_live_\w{16}|rk_live_\w{16}|sk-[\w-]{20}|AIza[\w-]{35}$|npm_\w{36}$|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY)/;

/** `scheme://user:password@host`, also inside of text (`jdbc:…`), and with what people forget to encode; a port is no password. */
const PASSWORD_IN_URL = /[a-z0-9]:\/\/[^\s/:@]*:(?!\d+[/,?#])[^\s@]+@/i;

/** A name that says so is not enough (`TOKEN_URL`, `API_KEY: none`): the value must look drawn at random as well. */
const SECRET_NAME = /(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|PRIVATE_KEY|CREDENTIALS?)$/i;

/** Warns of a description that is another one in every build. */
export function buildInDescription(node: MapNode, path: Path): readonly Finding[] {
  const aliases = [...(mapAt(node, 'aliases')?.entries ?? [])].map(([name]) => ['aliases', name, 'description']);
  return [['description'], ...aliases].flatMap((below) => {
    const description = nodeAt(node, ...below);
    if (description?.kind !== 'scalar') return [];
    const variable = BUILD_VARIABLE.exec(description.interpolated?.written ?? '')?.[1];
    if (variable === undefined) return [];
    const at = [...path, ...below];
    const message = `${formatPath(at)} contains \${${variable}}, so that every build is a change.`;
    const fix = 'put it into `versionDescription`, which is written on publish and never compared.';
    return [warning('BUILD_IN_DESCRIPTION', description, at, message, fix)];
  });
}

/** Warns of a runtime that AWS no longer patches. */
export function deprecatedRuntime(node: MapNode, path: Path): readonly Finding[] {
  const runtime = nodeAt(node, 'runtime');
  const name = textAt(runtime);
  const since = name === undefined ? undefined : DEPRECATED_RUNTIMES.get(name);
  if (runtime?.kind !== 'scalar' || since === undefined) return [];
  const at = [...path, 'runtime'];
  const message = `${formatPath(at)} is ${name}, which AWS deprecated on ${since} (as of ${RUNTIMES_READ_ON}): no security patches, and in time neither creates nor updates.`;
  return [warning('RUNTIME_DEPRECATED', runtime, at, message, 'move to a newer runtime.')];
}

/** Warns of a variable whose value looks like a secret and stands in the file. Never shows the value. */
export function secretInClearText(node: MapNode, path: Path): readonly Finding[] {
  return [...(mapAt(node, 'environment')?.entries ?? [])].flatMap(([name, { node: leaf }]) => {
    // What comes from outside does not stand in the file.
    if (leaf.kind !== 'scalar' || leaf.interpolated || !looksSecret(name, leaf.source)) return [];
    const at = [...path, 'environment', name];
    const message = `${formatPath(at)} looks like a secret, and stands in the file for everyone who can read it.`;
    const fix = `change the secret, keep it in Parameter Store or Secrets Manager, and write \${ssm:/path} or \${secretsmanager:id} here.`;
    return [warning('SECRET_IN_CLEAR_TEXT', leaf, at, message, fix)];
  });
}

/**
 * Whether a live variable had better not be copied into a file: by its value, or by its name alone. AWS's own names
 * (`AWS_LAMBDA_EXEC_WRAPPER`) are no secrets for their prefix.
 */
export function mayBeSecret(name: string, value: string): boolean {
  return looksSecret(name, value) || isSecretName(name.replace(/^AWS_/, ''));
}

function looksSecret(name: string, value: string): boolean {
  if (KNOWN_SECRET.test(value) || PASSWORD_IN_URL.test(value)) return true;
  return SECRET_NAME.test(name) && isRandom(value);
}

/** Sixteen characters or more without spaces, of at least two kinds, and no address, path or dotted name. */
function isRandom(value: string): boolean {
  if (!/^[\w+/=~!@#$%^&*.-]{16,}$/.test(value) || /^(?:arn:|\/|[\w-]+(?:\.[\w-]+)+$)/.test(value)) return false;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/].filter((kind) => kind.test(value)).length;
  return kinds >= 2 && entropyOf(value) >= MIN_ENTROPY;
}

/** Bits a character: words and placeholders have fewer, sixteen random hexadecimal digits about three. */
const MIN_ENTROPY = 2.8;

function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => {
    const share = count / text.length;
    return sum - share * Math.log2(share);
  }, 0);
}

function warning(code: Finding['code'], node: ScalarNode, path: Path, message: string, fix: string): Finding {
  return { code, severity: 'warning', position: node.position, path, message, fix };
}
