import { checkAuthored, checkSchema } from './check.js';
import { mergeEnvironment } from './environments.js';
import { PACKAGE_KEY } from './find.js';
import type { Finding } from './findings.js';
import { refuseFuture, type Feature } from './future.js';
import { interpolate, type Scope } from './interpolate.js';
import { mergeDefaults } from './merge.js';
import { nodeAt, type Node } from './node.js';
import { parseFile } from './parse.js';
import { checkRules } from './rules.js';

/** A file as it was written, all environments in it; or the findings that say why there is none. */
export type Written =
  { readonly root: Node; readonly findings: readonly Finding[] } | { readonly findings: readonly Finding[] };

/** Parses and checks what does not depend on the chosen environment. @param name the file's, without its folder */
export function readWritten(bytes: Uint8Array, name: string, allow?: readonly Feature[]): Written {
  const parsed = parseFile(bytes);
  if (!('root' in parsed)) return parsed;
  const written = name === 'package.json' ? nodeAt(parsed.root, PACKAGE_KEY) : parsed.root;
  if (written === undefined || (written.kind === 'scalar' && written.value === null))
    return { findings: [nothing(parsed.root, written === undefined)] };
  const present = refuseFuture(written, allow);
  const authored = nodeAt(present.root, 'environments') === undefined ? [] : checkAuthored(present.root);
  return { root: present.root, findings: [...present.findings, ...authored] };
}

/** The tree of one environment, complete and checked: overlay, then `${…}`, then `defaults`, then schema and rules. */
export function resolveTree(
  written: Node,
  scope: Scope,
): { readonly root: Node; readonly findings: readonly Finding[] } {
  const merged = mergeEnvironment(written, scope.environment);
  const resolved = interpolate(merged.root, scope);
  const checked = checkSchema(mergeDefaults(resolved.root));
  return {
    root: checked.root,
    findings: [...merged.findings, ...resolved.findings, ...checkRules(checked.root), ...checked.findings],
  };
}

function nothing(root: Node, isKeyMissing: boolean): Finding {
  return {
    code: 'SCHEMA',
    position: root.position,
    path: [],
    message: isKeyMissing ? `This package.json has no \`${PACKAGE_KEY}\`.` : 'The file is empty.',
    fix: 'write `version: 1` and `functions`.',
  };
}
