import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** Every form in which a value might be printed. Base64 of a value inside a longer text has three alignments. */
export function formsOf(value: string): string[] {
  const alignments = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), Buffer.from(value)]).toString('base64');
    return text.slice(shift === 0 ? 0 : 4, -4);
  });
  return [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
    encodeURIComponent(value).replaceAll('%20', '+'),
    Buffer.from(value).toString('hex'),
    ...alignments.filter((text) => text.length >= 6),
  ];
}

/** The text of every file below a folder; none when there is no such folder. */
export async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  return Promise.all(files.map((file) => readFile(file, 'utf8')));
}
