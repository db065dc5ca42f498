/** What the records around an entry's deflated content say. */
export interface ContainedFile {
  /** Path with `/`. */
  readonly name: string;
  /** Unix mode, with the type of file. */
  readonly mode: number;
}

/** What is known once an entry is written; sizes in bytes. */
export interface ContainedSizes {
  readonly crc32: number;
  readonly compressed: number;
  readonly uncompressed: number;
}

/** Deflate, the only method that every reader knows; also the version of the format that it needs. */
const DEFLATED = 8;
const VERSION = 20;

/** The upper half of the attributes holds Unix modes. */
const MADE_BY_UNIX = 3 << 8;

/** Sizes and checksum follow the content, because they are not known before; and the name is UTF-8, said where it is not ASCII. */
const SIZES_FOLLOW = 0x8;
const UTF8 = 0x800;

/** 1980-01-01 00:00, the first time that a zip can hold: date in the upper half, time in the lower. */
const TIME = 0x0021_0000;

const LOCAL_BYTES = 30;
const DESCRIPTOR_BYTES = 16;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;

/**
 * Makes the records of a zip, without zip64, that depend on nothing but names, modes and contents. fflate's `Zip` writes the same
 * bytes and keeps a kilobyte for each file until the end: 20 MB for 20,000 files. This keeps one record, about as long as the path.
 *
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT sections 4.3 and 4.4
 */
export class Container {
  readonly #central: Buffer;
  #centralBytes = 0;
  #offset = 0;
  #entries = 0;

  /** For exactly these files, which are then written in this order. */
  constructor(files: readonly { readonly name: string }[]) {
    const names = files.reduce((sum, { name }) => sum + Buffer.byteLength(name), 0);
    this.#central = Buffer.alloc(files.length * CENTRAL_BYTES + names + END_BYTES);
  }

  /** What stands before the content. */
  before({ name }: ContainedFile): Buffer {
    const record = Buffer.alloc(LOCAL_BYTES + Buffer.byteLength(name));
    record.writeUInt32LE(0x0403_4b50, 0);
    writeCommon(record.subarray(4), name);
    record.write(name, LOCAL_BYTES);
    return record;
  }

  /** What stands after it; the file is then part of the directory at the end. */
  after({ name, mode }: ContainedFile, sizes: ContainedSizes): Buffer {
    const nameBytes = Buffer.byteLength(name);
    const record = this.#central.subarray(this.#centralBytes);
    record.writeUInt32LE(0x0201_4b50, 0);
    record.writeUInt16LE(MADE_BY_UNIX | VERSION, 4);
    writeCommon(record.subarray(6), name);
    writeSizes(record.subarray(16), sizes);
    record.writeUInt32LE((mode << 16) >>> 0, 38);
    record.writeUInt32LE(this.#offset, 42);
    record.write(name, CENTRAL_BYTES);
    this.#centralBytes += CENTRAL_BYTES + nameBytes;
    this.#offset += LOCAL_BYTES + nameBytes + sizes.compressed + DESCRIPTOR_BYTES;
    this.#entries++;
    const descriptor = Buffer.alloc(DESCRIPTOR_BYTES);
    descriptor.writeUInt32LE(0x0807_4b50, 0);
    writeSizes(descriptor.subarray(4), sizes);
    return descriptor;
  }

  /** The directory, with which the archive ends. */
  end(): Buffer {
    const record = this.#central.subarray(this.#centralBytes);
    record.writeUInt32LE(0x0605_4b50, 0);
    record.writeUInt16LE(this.#entries, 8);
    record.writeUInt16LE(this.#entries, 10);
    record.writeUInt32LE(this.#centralBytes, 12);
    record.writeUInt32LE(this.#offset, 16);
    return this.#central;
  }
}

/** What both headers of a file say in the same order, and the length of its name. */
function writeCommon(record: Buffer, name: string): void {
  const nameBytes = Buffer.byteLength(name);
  record.writeUInt16LE(VERSION, 0);
  record.writeUInt16LE(nameBytes === name.length ? SIZES_FOLLOW : SIZES_FOLLOW | UTF8, 2);
  record.writeUInt16LE(DEFLATED, 4);
  record.writeUInt32LE(TIME, 6);
  record.writeUInt16LE(nameBytes, 22);
}

function writeSizes(record: Buffer, { crc32, compressed, uncompressed }: ContainedSizes): void {
  record.writeUInt32LE(crc32, 0);
  record.writeUInt32LE(compressed, 4);
  record.writeUInt32LE(uncompressed, 8);
}
