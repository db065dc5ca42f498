import { Document, isScalar, type YAMLMap } from 'yaml';
import type { Json } from '../model/json.js';
import type { CommentedStep } from '../model/pipeline.js';

/**
 * Steps as YAML, with their comments; the same steps make the same bytes.
 *
 * @param header lines above all; empty: none
 */
export function pipelineYaml(header: string, steps: readonly CommentedStep[]): string {
  // YAML 1.1 is what older parsers read: there, `on` is no text.
  const document = new Document({ steps: steps.map(({ step }) => step) }, { version: '1.1' });
  const list = document.get('steps') as { readonly items: readonly YAMLMap[] };
  list.items.forEach((item, index) => {
    item.spaceBefore = index > 0;
    annotate(item, steps[index]?.comments ?? {});
  });
  const head = header === '' ? '' : `${header.replaceAll(/^/gm, '# ').replaceAll(/ +$/gm, '')}\n\n`;
  return head + document.toString({ lineWidth: 0, singleQuote: true });
}

function annotate(item: YAMLMap, comments: CommentedStep['comments']): void {
  const { '': own } = comments;
  if (own !== undefined) item.commentBefore = ` ${own}`;
  for (const { key } of item.items) {
    if (!isScalar(key)) continue;
    const comment = comments[String(key.value)];
    if (comment !== undefined) key.commentBefore = ` ${comment}`;
  }
}

/**
 * The steps for an agent that fills variables in as it uploads them: every `$` is doubled, so that all of them are left to the
 * shells of the jobs. What has `\\$` cannot be told to it.
 *
 * @see https://buildkite.com/docs/agent/cli/reference/pipeline
 */
export function withoutVariables(steps: readonly CommentedStep[]): CommentedStep[] {
  return steps.map(({ step, comments }) => ({
    comments,
    step: doubled(step as unknown as Json) as unknown as typeof step,
  }));
}

function doubled(value: Json): Json {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$');
  if (Array.isArray(value)) return value.map(doubled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, doubled(member)]));
}
