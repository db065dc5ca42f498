import type { ExitCode } from '../errors.js';
import { toYaml } from '../spec/render-desired.js';
import type { Context } from './context.js';
import { loadSelected } from './spec.js';

/** Prints the desired state after defaults and interpolation, secrets as references; calls nothing. */
export async function render(context: Context): Promise<ExitCode> {
  const spec = await loadSelected(context);
  const chosen = new Set(spec.functions.map(({ key }) => key));
  const functions = Object.fromEntries(
    Object.entries(spec.rendered['functions'] ?? {}).filter(([key]) => chosen.has(key)),
  );
  const document = { ...spec.rendered, functions };
  const lines = toYaml(document).trimEnd().split('\n');
  context.output.result(
    document,
    lines.map((line) => [line]),
  );
  return 0;
}
