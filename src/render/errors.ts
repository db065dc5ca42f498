import { ERROR_CODES, type DeployError, type Diagnostic } from '../errors.js';
import { FORMAT_VERSION } from '../model/plan.js';
import type { ErrorDocument } from '../model/result.js';
import { as, type Line } from './text.js';

/** More than anybody mends before the next run; the rest is counted. */
const SHOWN_FINDINGS = 50;

/** An error for people: what, where, why, and what to do. The findings of a file, sorted by their place: the first 50, the rest counted. */
export function renderError(error: DeployError): Line[] {
  if (error.diagnostics.length > 0) {
    const more = error.diagnostics.length - SHOWN_FINDINGS;
    return [
      ...error.diagnostics.slice(0, SHOWN_FINDINGS).flatMap(renderDiagnostic),
      ...(more > 0 ? [[as('dim', `… and ${more} more; --format json has all of them.`)]] : []),
    ];
  }
  const where = error.location === undefined ? [] : [`${place(error.location)}  `];
  return [
    [as('bad', `error[${error.code}]`), ` ${error.summary}`],
    ['  ', ...where, error.detail],
    ...(error.fix === undefined ? [] : [[as('dim', '  fix: '), error.fix]]),
  ];
}

/** One finding, in the same form. */
export function renderDiagnostic({ severity, code, message, fix, location }: Diagnostic): Line[] {
  const where = location === undefined ? '' : `${place(location)}  `;
  return [
    [as(severity === 'error' ? 'bad' : 'warn', `${severity}[${code}]`), ` ${ERROR_CODES[code].summary}`],
    [`  ${where}${message}`],
    ...(fix === undefined ? [] : [[as('dim', '  fix: '), fix]]),
  ];
}

/** The JSON document of an error; of several findings the first is `error`, and all are in `diagnostics`. */
export function errorDocument(error: DeployError): {
  formatVersion: typeof FORMAT_VERSION;
  error: ErrorDocument;
  diagnostics?: readonly ErrorDocument[];
} {
  const all = error.diagnostics.map(({ code, message, fix, location }) => toDocument(code, message, fix, location));
  const own = toDocument(error.code, error.detail, error.fix, error.location);
  return { formatVersion: FORMAT_VERSION, error: all[0] ?? own, ...(all.length > 0 ? { diagnostics: all } : {}) };
}

function toDocument(
  code: string,
  message: string,
  fix: string | undefined,
  location: Diagnostic['location'],
): ErrorDocument {
  return {
    code,
    message,
    ...(fix === undefined ? {} : { hint: fix }),
    ...(location === undefined ? {} : { location }),
  };
}

function place({ file, line, column }: NonNullable<Diagnostic['location']>): string {
  return `${file}:${line}:${column}`;
}
