import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strToU8, zipSync, type Zippable } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repackZip } from '../../src/code/repack.js';
import { readZip } from '../../src/code/zip.js';
import { refusal } from './refusal.js';

const CENTRAL = Buffer.from([0x50, 0x4b, 1, 2]);
const END = Buffer.from([0x50, 0x4b, 5, 6]);
/** Offsets in an entry of the central directory. */
const [FLAGS, METHOD, CRC, COMPRESSED, UNCOMPRESSED, LOCAL_OFFSET] = [8, 10, 16, 20, 24, 42] as const;
/** Offsets in the record at the end. */
const [DISK, COUNT, DIRECTORY_OFFSET] = [4, 10, 16] as const;

const HELLO = zip({ 'index.js': strToU8('exports.handler = () => 1;') });
let folder: string;
let count = 0;

beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'hostile-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

function zip(files: Zippable): Buffer {
  return Buffer.from(zipSync(files, { mtime: new Date(1980, 0, 1) }));
}

/** With other bytes at an offset behind a signature. */
function patched(archive: Buffer, signature: Buffer, offset: number, bytes: readonly number[]): Buffer {
  const copy = Buffer.from(archive);
  copy.set(bytes, copy.indexOf(signature) + offset);
  return copy;
}

/** Every occurrence of a name under another of its length, with the flag for UTF-8 if that is what it is in. */
function renamed(archive: Buffer, from: string, to: Buffer): Buffer {
  const copy = Buffer.from(archive);
  for (let at = copy.indexOf(from); at !== -1; at = copy.indexOf(from, at + 1)) copy.set(to, at);
  return copy;
}

/** The directory's place and length as zip64 tells them, with the old record pointing there. */
function asZip64(archive: Buffer): Buffer {
  const end = archive.subarray(archive.indexOf(END));
  const directory = archive.subarray(0, archive.indexOf(END));
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x0606_4b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeBigUInt64LE(BigInt(end.readUInt16LE(COUNT)), 24);
  record.writeBigUInt64LE(BigInt(end.readUInt16LE(COUNT)), 32);
  record.writeBigUInt64LE(BigInt(end.readUInt32LE(12)), 40);
  record.writeBigUInt64LE(BigInt(end.readUInt32LE(DIRECTORY_OFFSET)), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x0706_4b50, 0);
  locator.writeBigUInt64LE(BigInt(directory.length), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([directory, record, locator, patched(end, END, COUNT, [0xff, 0xff])]);
}

/** Data in front, as of a program that unpacks itself, with every offset moved by its length. */
function behind(prefix: Buffer, archive: Buffer): Buffer {
  const moved = Buffer.from(archive);
  moved.writeUInt32LE(prefix.length, moved.indexOf(CENTRAL) + LOCAL_OFFSET);
  const end = moved.indexOf(END) + DIRECTORY_OFFSET;
  moved.writeUInt32LE(moved.readUInt32LE(end) + prefix.length, end);
  return Buffer.concat([prefix, moved]);
}

async function saved(content: Uint8Array): Promise<{ readonly path: string; readonly source: string }> {
  const path = join(folder, `${count++}.zip`);
  await writeFile(path, content);
  return { path, source: 'code.zip' };
}

const bomb = zip({ 'index.js': Buffer.alloc(50_000_000) });
const noise = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (Math.imul(i, 2_654_435_761) >>> 11) & 255));
const large = zip({ 'index.js': noise });

describe('is refused, as it is and repacked', () => {
  it.each([
    ['a path upwards', zip({ 'a/../../index.js': strToU8('x') }), /would leave the folder/],
    ['an absolute path', zip({ '/etc/cron.d/x': strToU8('x') }), /would leave the folder/],
    ['a drive', zip({ 'C:/x.js': strToU8('x') }), /would leave the folder/],
    ['a path upwards with backslashes', zip({ '..\\index.js': strToU8('x') }), /would leave the folder/],
    ['the same name twice', renamed(zip({ 'a.js': HELLO, 'b.js': HELLO }), 'b.js', Buffer.from('a.js')), /a\.js twice/],
    ['encryption', patched(HELLO, CENTRAL, FLAGS, [1]), /encrypted/],
    ['strong encryption', patched(HELLO, CENTRAL, FLAGS, [0x41]), /cut short or damaged/],
    ['a size beyond the limit', patched(HELLO, CENTRAL, UNCOMPRESSED, [0, 0, 0, 0x80]), /2147483648 bytes unpacked/],
    ['more entries than there are', patched(HELLO, END, COUNT, [9, 0]), /cut short or damaged/],
    ['a directory elsewhere', patched(HELLO, END, DIRECTORY_OFFSET, [1]), /cut short or damaged/],
    ['a directory beyond the end', patched(HELLO, END, DIRECTORY_OFFSET, [0, 0, 0, 0x7f]), /cut short or damaged/],
    ['a part of several', patched(HELLO, END, DISK, [1]), /cut short or damaged/],
    ['something appended', Buffer.concat([HELLO, Buffer.from('junk')]), /cut short or damaged/],
    ['something in front that the offsets ignore', Buffer.concat([Buffer.from('junk'), HELLO]), /is not a zip archive/],
    ['an end of many bytes that is none', Buffer.alloc(100_000, 'PK'), /cut short or damaged/],
  ])('%s', async (_why, content, says) => {
    const source = await saved(content);
    const said = await refusal(readZip(source));
    expect(said).toMatch(says);
    expect(await refusal(repackZip(source))).toBe(said);
  });
});

describe('is refused when it is repacked, because only then its contents are read', () => {
  it.each([
    ['a bomb that says it is small', patched(bomb, CENTRAL, UNCOMPRESSED, [10, 0, 0, 0]), /"index\.js" damaged/],
    ['a large one that says less', patched(large, CENTRAL, UNCOMPRESSED, [10, 0, 1, 0]), /"index\.js" damaged/],
    ['a large one that says more', patched(large, CENTRAL, UNCOMPRESSED, [10, 0, 9, 0]), /"index\.js" damaged/],
    ['less content than it says', patched(HELLO, CENTRAL, UNCOMPRESSED, [200]), /"index\.js" damaged/],
    ['content that is cut', patched(HELLO, CENTRAL, COMPRESSED, [3]), /"index\.js" damaged/],
    ['another checksum', patched(HELLO, CENTRAL, CRC, [0]), /"index\.js" damaged/],
    ['a header beyond the end', patched(HELLO, CENTRAL, LOCAL_OFFSET, [0, 0, 0, 0x7f]), /"index\.js" damaged/],
    ['compression that Lambda lacks', patched(HELLO, CENTRAL, METHOD, [12]), /compressed by method 12/],
    ['a control character', renamed(HELLO, 'index.js', Buffer.from('ind\u001bx.js')), /does not say that it is UTF-8/],
    ['one in UTF-8', zip({ 'é\u0007.js': HELLO }), /"é\\u0007\.js", whose control character/],
    ['what is not UTF-8', renamed(zip({ 'é.js': HELLO }), 'é', Buffer.from([0xff, 0xff])), /not UTF-8/],
    ['a name without a part', zip({ 'a//b.js': HELLO }), /"a\/\/b\.js", whose empty or `\.` part/],
    ['a name of this folder', zip({ './b.js': HELLO }), /"\.\/b\.js", whose empty or `\.` part/],
  ])('%s', async (_why, content, says) => {
    const source = await saved(content);
    expect(await refusal(repackZip(source))).toMatch(says);
  });
});

describe('is taken, and repacked to the bytes of the plain one', () => {
  it.each([
    ['zip64', asZip64(HELLO)],
    ['a program in front that the offsets know', behind(Buffer.from('#!/usr/bin/env python3\n'), HELLO)],
    ['a comment', Buffer.concat([patched(HELLO, END, 20, [4, 0]), Buffer.from('mine')])],
  ])('%s', async (_why, content) => {
    const source = await saved(content);
    expect((await readZip(source)).ref).toMatchObject({ unzippedBytes: 26 });
    const [plain, odd] = [await repackZip(await saved(HELLO)), await repackZip(source)];
    await Promise.all([plain.remove(), odd.remove()]);
    expect(odd.codeSha256).toBe(plain.codeSha256);
  });
});
