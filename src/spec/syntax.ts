import { visit, type Document, type LineCounter, type YAMLError } from 'yaml';
import type { Finding } from './findings.js';
import type { Path, Position } from './node.js';

/** Said of a file that exhausts the stack of the parser. */
export const TOO_DEEP = 'The file is nested too deeply to be read.';

/** A finding about the text itself. */
export function at(position: Position, code: Finding['code'], message: string, fix?: string, path: Path = []): Finding {
  return { code, position, path, message, ...(fix === undefined ? {} : { fix }) };
}

/** The position of an offset in the text; an empty text has one, too. */
export function positionOf(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

interface Source {
  readonly document: Document;
  readonly text: string;
  readonly lines: LineCounter;
}

/** What the YAML parser found, in words: all duplicate keys up to the first other error, and nothing that follows it. */
export function syntaxFindings(document: Document, text: string, lines: LineCounter): readonly Finding[] {
  const findings: Finding[] = [];
  for (const error of [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0])) {
    findings.push(explainSyntax(error, { document, text, lines }));
    if (error.code !== 'DUPLICATE_KEY') break;
  }
  return findings;
}

function explainSyntax(error: YAMLError, { document, text, lines }: Source): Finding {
  const offset = error.pos[0];
  if (text.startsWith('${', offset - 1)) {
    const message = 'An unquoted ${ inside { } or [ ] is the start of another map for YAML.';
    return at(positionOf(lines, offset - 1), 'YAML_SYNTAX', message, 'quote the value: "${…}".');
  }
  if (error.message.endsWith('quote'))
    return at(openingQuote(error, document, lines), 'YAML_SYNTAX', 'This quote is not closed.', 'close the quote.');
  const position = positionOf(lines, offset);
  if (error.code === 'DUPLICATE_KEY') {
    const key = /^(?:[\w.-]+|<<)/.exec(text.slice(offset))?.[0];
    const message = `The key ${key === undefined ? '' : `\`${key}\` `}stands twice in the same map; one would silently win.`;
    return at(
      position,
      'DUPLICATE_KEY',
      message,
      key === '<<' ? 'write one: `<<: [*a, *b]`.' : 'remove one of the two.',
    );
  }
  const [message, fix] = SYNTAX[error.code] ?? [ownWords(error.message), undefined];
  return at(position, 'YAML_SYNTAX', message, fix);
}

/** A quote that is not closed swallows the rest of the file: the place to look is where it opens. */
function openingQuote(error: YAMLError, document: Document, lines: LineCounter): Position {
  let opening = error.pos[0];
  visit(document, {
    Scalar: (_, { type, range }) => {
      if (type?.startsWith('QUOTE') && range && range[0] < error.pos[0]) opening = range[0];
    },
  });
  return positionOf(lines, opening);
}

const SYNTAX: Partial<Record<YAMLError['code'], readonly [string, string]>> = {
  TAB_AS_INDENT: ['A tab indents this line; YAML allows only spaces.', 'replace the tab with spaces.'],
  BAD_INDENT: [
    'The indentation does not fit, or a bracket is not closed before.',
    'align the line with its siblings, or close the bracket.',
  ],
  BLOCK_AS_IMPLICIT_KEY: [
    'A value cannot contain ": " unless it is quoted.',
    'quote the value, or put the map on its own lines.',
  ],
  MULTIPLE_DOCS: ['The file holds several YAML documents.', 'keep one document: remove the `---` line.'],
  TAG_RESOLVE_FAILED: ['YAML tags (words starting with !) are not used here.', 'remove the tag.'],
  RESOURCE_EXHAUSTION: [TOO_DEEP, 'flatten it.'],
  BAD_SCALAR_START: ['A plain value cannot start with this character.', 'quote the value.'],
};

/** The parser's message without the token that it quotes: that may be a value. */
function ownWords(message: string): string {
  return `${message.replace(/: ".*"$/s, '').replace(/\.$/, '')}.`;
}
