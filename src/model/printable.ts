/**
 * Control characters, and those that are invisible or turn the direction of writing: with them, text from outside could move the
 * cursor, hide itself or pose as other text.
 * @see https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing
 */
const DECEPTIVE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/**
 * Text for a terminal: deceptive characters replaced, and further lines indented, so that none passes for a line of ours.
 * @param indent empty for text whose lines are all ours
 */
export function printable(text: string, indent = '    '): string {
  return text.replace(/\r\n/g, '\n').replace(DECEPTIVE, '\ufffd').replace(/\n/g, `\n${indent}`);
}

/** JSON, also within YAML, for a terminal or a file: the same value, with deceptive characters escaped that JSON itself leaves as they are. */
export function printableJson(json: string): string {
  const escape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return json.replace(DECEPTIVE, (character) => character.split('').map(escape).join(''));
}
