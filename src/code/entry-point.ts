/** What Lambda starts. */
export interface EntryPoint {
  readonly runtime: string;
  readonly handler: string;
}

/**
 * The file that the handler needs and the archive lacks, as a person would name it; `undefined` when it is there, or when
 * the runtime's rules are not known here (only nodejs and python are), or when the handler lies in a layer (`/opt/…`).
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html
 * @see https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html
 */
export function missingModule({ runtime, handler }: EntryPoint, names: ReadonlySet<string>): string | undefined {
  if (handler.startsWith('/')) return undefined;
  if (runtime.startsWith('nodejs')) return missing(nodeModule(handler), NODE_FILES, names);
  if (runtime.startsWith('python')) return missing(pythonModule(handler), PYTHON_FILES, names);
  return undefined;
}

const NODE_FILES = ['.js', '.mjs', '.cjs', '/index.js', '/package.json'];

/** A compiled extension carries its platform in the name, so Python's files are told by their beginning. */
const PYTHON_FILES = ['.py', '.pyc', '.so', '/__init__.py', '/__init__.pyc'];

function missing(module: string, endings: readonly string[], names: ReadonlySet<string>): string | undefined {
  const isThere =
    endings.some((ending) => names.has(`${module}${ending}`) || names.has(`node_modules/${module}${ending}`)) ||
    throughLink(module, names) ||
    [...names].some((name) => name.startsWith(`${module}.`) && name.endsWith('.so'));
  return isThere ? undefined : `${module}${endings[0]}`;
}

/** An entry that carries the name of the module or of a folder above it: a link, behind which anything may be, or the module itself. */
function throughLink(module: string, names: ReadonlySet<string>): boolean {
  const segments = module.split('/');
  return segments.some((_, index) => names.has(segments.slice(0, index + 1).join('/')));
}

/** `src/index.orders.handler` is `orders.handler` of `src/index`: the first dot after the last slash divides. */
function nodeModule(handler: string): string {
  const file = handler.lastIndexOf('/') + 1;
  const dot = handler.indexOf('.', file);
  return withoutDot(dot === -1 ? handler : handler.slice(0, dot));
}

/** `pkg.orders.handler` is `handler` of `pkg/orders`: the last dot divides, the others are folders. */
function pythonModule(handler: string): string {
  const dot = handler.lastIndexOf('.');
  return withoutDot(dot === -1 ? handler : handler.slice(0, dot)).replaceAll('.', '/');
}

function withoutDot(path: string): string {
  return path.replace(/^\.\//, '');
}
