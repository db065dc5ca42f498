import { expect, it } from 'vitest';
import { fileOf, hello, okHandler, stage } from './support.js';

it('a plan in Markdown is a summary over its whole text, in a block which a hostile value cannot end, and has no secret', async () => {
  const it = await stage();
  await it.file(
    fileOf({ hello: hello({ description: '```\n# no heading ````', environment: { TOKEN: '${secret:TOKEN}' } }) }),
  );
  await it.code(okHandler('one'));
  const env = { TOKEN: 'hunter2-hunter2' };
  const text = await it.runWith({ env }, 'plan', '--no-color');
  const markdown = await it.runWith({ env }, 'plan', '--format', 'markdown');
  expect(markdown.out).toMatch(/^Plan for \*\*lambda\\\.deploy\\\.yaml\*\*: \*\*1 to create\*\*\n/);
  const [, fence, whole = ''] = /<details>[^]*\n(`+)text\n([^]*)\n\1\n\n<\/details>/.exec(markdown.out) ?? [];
  expect(fence).toBe('`````');
  expect(text.out).toContain(`${whole}\n\nPlan: 1 to create.  sha256:`);
  const applied = await it.runWith({ env }, 'apply', '--yes', '--format', 'markdown');
  expect(applied.out).toMatch(/^`{5}text\n[^]*\n`{5}\n\n`{3}text\n+hello {2}succeeded[^]*\n`{3}\n$/);
  expect(it.fn().latest.content.config).toMatchObject({ Environment: { Variables: { TOKEN: 'hunter2-hunter2' } } });
  expect(it.outputs.join('')).not.toContain('hunter2');
});
