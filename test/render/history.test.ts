import { describe, expect, it } from 'vitest';
import type { HistoryDocument, HistoryRow } from '../../src/model/history.js';
import { renderHistory } from '../../src/render/history.js';
import { historyMarkdown } from '../../src/render/history-markdown.js';
import { plain } from '../../src/render/text.js';

const ROW: HistoryRow = {
  formatVersion: '1',
  id: '0mwtow8lc4ki',
  action: 'deploy',
  function: 'orders',
  alias: 'live',
  result: 'succeeded',
  version: '5',
  previousVersion: '4',
  codeSha256: null,
  startedAt: '2026-05-01T12:00:00.123Z',
  finishedAt: '2026-05-01T12:00:04.123Z',
  durationMs: 4000,
  commit: '0123456789abcdef',
  deployedCommit: '0123456789abcdef',
};
const OPEN = { result: 'open', version: null, previousVersion: null, finishedAt: null, durationMs: null } as const;

const DOCUMENT: HistoryDocument = {
  formatVersion: '1',
  command: 'history',
  records: [
    {
      ...ROW,
      action: 'rollback',
      restores: '0mwtow8lc4kh',
      leaves: '0mwtow8lc4kg',
      version: '4',
      previousVersion: '5',
    },
    { ...ROW, takenBack: true, held: true, build: '42', buildUrl: 'https://buildkite.com/a/b/builds/42', actor: 'Zoë' },
    { ...ROW, buildUrl: 'javascript:alert(1)', result: 'rolled_back', version: '4', triedVersion: '6', actor: 'ada' },
    { ...ROW, ...OPEN, alias: null, state: 'running', deadline: '2026-05-01T13:00:00.000Z' },
  ],
  aliases: [
    { function: 'orders', alias: 'live', omitted: 3 },
    { function: 'orders', alias: null, omitted: 0 },
    {
      function: 'billing',
      region: 'eu-west-1',
      alias: 'live',
      omitted: 0,
      versions: [{ version: '7', publishedAt: '2026-05-01T12:00:00.000+0000', description: 'a | b' }],
    },
    { function: 'gone', alias: 'live', omitted: 0, versions: null },
  ],
};

describe('history', () => {
  it('is a table an alias, newest first as given', () => {
    expect(plain(renderHistory(DOCUMENT))).toMatchInlineSnapshot(`
      "orders  live
        when               version    result       record        commit    by            took
        2026-05-01 12:00Z  4 (was 5)  succeeded    0mwtow8lc4ki  01234567                4.0 s  rollback to 0mwtow8lc4kh, left 0mwtow8lc4kg
        2026-05-01 12:00Z  5 (was 4)  succeeded    0mwtow8lc4ki  01234567  build 42 Zoë  4.0 s  taken back, held
        2026-05-01 12:00Z  4          rolled back  0mwtow8lc4ki  01234567  ada           4.0 s  tried 6
        and 3 older: --limit shows more

      orders  no alias
        when               version  result          record        commit    by  took
        2026-05-01 12:00Z  -        open (running)  0mwtow8lc4ki  01234567        until 2026-05-01 13:00Z

      billing (eu-west-1)  live
        No deployment is recorded: the first is still to come, or the records are gone. The versions that AWS has:
        7  2026-05-01 12:00Z  a | b

      gone  live
        No deployment is recorded, and AWS has no such function.
      "
    `);
  });

  it('is tables in Markdown, with links to builds and to nothing else', () => {
    expect(historyMarkdown(DOCUMENT)).toMatchInlineSnapshot(`
      "**orders live**

      | when | version | result | record | commit | by | took |  |
      | --- | --- | --- | --- | --- | --- | --- | --- |
      | 2026\\-05\\-01 12\\:00Z | 4 \\(was 5\\) | succeeded | \`0mwtow8lc4ki\` | \`01234567\` |  | 4.0 s | rollback to 0mwtow8lc4kh, left 0mwtow8lc4kg |
      | 2026\\-05\\-01 12\\:00Z | 5 \\(was 4\\) | succeeded | \`0mwtow8lc4ki\` | \`01234567\` | [build 42 Zoë](https://buildkite.com/a/b/builds/42) | 4.0 s | taken back, held |
      | 2026\\-05\\-01 12\\:00Z | 4 | rolled back | \`0mwtow8lc4ki\` | \`01234567\` | ada | 4.0 s | tried 6 |

      and 3 older: --limit shows more

      **orders no alias**

      | when | version | result | record | commit | by | took |  |
      | --- | --- | --- | --- | --- | --- | --- | --- |
      | 2026\\-05\\-01 12\\:00Z | \\- | open \\(running\\) | \`0mwtow8lc4ki\` | \`01234567\` |  |  | until 2026\\-05\\-01 13\\:00Z |

      **billing \\(eu\\-west\\-1\\) live**

      No deployment is recorded: the first is still to come, or the records are gone. The versions that AWS has:

      | version | published | description |
      | --- | --- | --- |
      | 7 | 2026\\-05\\-01 12\\:00Z | a \\| b |

      **gone live**

      No deployment is recorded, and AWS has no such function.
      "
    `);
  });

  it('stays one row a record, whatever others wrote', () => {
    const hostile = 'x'.repeat(300) + '|\n| a `b` <img src=x> [c](d) \u0000 👩‍👩‍👧 日本語';
    const one = { ...ROW, actor: hostile, build: hostile, deployedCommit: hostile };
    const document = { ...DOCUMENT, records: [one], aliases: DOCUMENT.aliases.slice(0, 1) };
    expect(plain(renderHistory(document)).split('\n')).toHaveLength(5);
    const table = historyMarkdown(document)
      .split('\n')
      .filter((line) => line.startsWith('|'));
    expect(table).toHaveLength(3);
    expect(table[2]?.match(/(?<!\\)\|/g)).toHaveLength(9);
    expect(table[2]).not.toMatch(/(?<!\\)(<img|\[c)/);
  });
});
