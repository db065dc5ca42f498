import type { Diagnostic, ErrorCode } from '../errors.js';
import { formatPath, type Path, type Position } from './node.js';

/** A finding before its file is known. */
export interface Finding {
  readonly code: ErrorCode;
  readonly severity?: 'warning';
  readonly position: Position;
  readonly path: Path;
  readonly message: string;
  readonly fix?: string;
}

/** Findings of which a value can have several; of all others, which judge a value as such, one is enough. */
const SEVERAL: ReadonlySet<ErrorCode> = new Set([
  'UNSET_VARIABLE',
  'BAD_INTERPOLATION',
  'SECRET_MISPLACED',
  'NOT_YET_SUPPORTED',
  'YAML_SYNTAX',
  'DUPLICATE_KEY',
]);

/**
 * Findings as diagnostics, in the order of the file, one for each cause: what `defaults` says wrong once is not repeated
 * for every function, and of several findings at one place the first that was given stays.
 */
export function toDiagnostics(findings: readonly Finding[], file: string): readonly Diagnostic[] {
  const byPlace = new Map<string, Finding>();
  for (const finding of findings) {
    const { line, column } = finding.position;
    const what = SEVERAL.has(finding.code) ? finding.message : String(finding.path.at(-1) ?? '');
    const place = `${line}:${column}:${finding.severity ?? 'error'}:${what}`;
    if (!byPlace.has(place)) byPlace.set(place, finding);
  }
  return [...byPlace.values()]
    .sort((a, b) => a.position.line - b.position.line || a.position.column - b.position.column)
    .map((finding) => ({
      severity: finding.severity ?? 'error',
      code: finding.code,
      message: finding.message,
      ...(finding.fix === undefined ? {} : { fix: finding.fix }),
      ...(finding.path.length === 0 ? {} : { path: formatPath(finding.path) }),
      location: { file, ...finding.position },
    }));
}
