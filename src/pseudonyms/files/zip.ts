import { crc32 } from 'node:zlib';

export interface ZipEntry {
  /** ASCII, `/` between folders. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

const versionNeeded = 20;
/** 1980-01-01 00:00, the first moment that the format knows: the same archive on every day. */
const zipTime = 0;
const zipDate = 0x0021;

/** A ZIP archive in which entries lie as they are, without compression, in the order given. */
export function zipArchive(entries: readonly ZipEntry[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes } of entries) {
    const nameBytes = Buffer.from(name, 'latin1');
    // Signature, then the fields that both headers share, then what only one of them has.
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(versionNeeded, 0);
    shared.writeUInt16LE(zipTime, 6);
    shared.writeUInt16LE(zipDate, 8);
    shared.writeUInt32LE(crc32(bytes), 10);
    shared.writeUInt32LE(bytes.length, 14);
    shared.writeUInt32LE(bytes.length, 18);
    shared.writeUInt16LE(nameBytes.length, 22);
    const header = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), shared, nameBytes]);
    const where = Buffer.alloc(14);
    where.writeUInt32LE(offset, 10);
    const madeBy = Buffer.from([versionNeeded, 0]);
    central.push(Buffer.concat([Buffer.from('PK\x01\x02', 'latin1'), madeBy, shared, where, nameBytes]));
    local.push(header, Buffer.from(bytes));
    offset += header.length + bytes.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, directory, end]);
}
