import { crc32, deflateSync } from 'node:zlib';

/** Small grey pictures, with a comment inside. */

const side = 16;
const grey = 0xc0;

/** 16 × 16 points. @param comment Latin-1 */
export function greyPng(comment: string): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header[8] = 8;
  const rows = Buffer.alloc(side * (side + 1), grey);
  // Each row begins with its filter, which is none.
  for (let row = 0; row < side; row++) rows[row * (side + 1)] = 0;
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('tEXt', Buffer.from(`Comment\0${comment}`, 'latin1')),
    // Stored, so that every version of zlib writes the same.
    chunk('IDAT', deflateSync(rows, { level: 0 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(typed.length + 8);
  framed.writeUInt32BE(data.length, 0);
  typed.copy(framed, 4);
  framed.writeUInt32BE(crc32(typed), typed.length + 4);
  return framed;
}

/** One block of 8 × 8 points, all of them middle grey: its only coefficient is 0, and no other follows. */
export function greyJpeg(comment: string): Buffer {
  const segment = (marker: number, data: Buffer) => {
    const head = Buffer.from([0xff, marker, 0, 0]);
    head.writeUInt16BE(data.length + 2, 2);
    return Buffer.concat([head, data]);
  };
  // One code of one bit, which stands for the symbol 0: of a DC table no difference, of an AC table the end of the block.
  const codes = (table: number) => Buffer.from([table, 1, ...Array<number>(15).fill(0), 0]);
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xe0, Buffer.from('JFIF\0\x01\x01\0\0\x01\0\x01\0\0', 'latin1')),
    segment(0xfe, Buffer.from(comment, 'latin1')),
    segment(0xdb, Buffer.from([0, ...Array<number>(64).fill(1)])),
    segment(0xc0, Buffer.from([8, 0, 8, 0, 8, 1, 1, 0x11, 0])),
    segment(0xc4, codes(0x00)),
    segment(0xc4, codes(0x10)),
    segment(0xda, Buffer.from([1, 1, 0, 0, 63, 0])),
    // Two codes, filled up with ones.
    Buffer.from([0b0011_1111, 0xff, 0xd9]),
  ]);
}

/** One point. @param comment at most 255 characters of ASCII */
export function greyGif(comment: string): Buffer {
  return Buffer.concat([
    Buffer.from('GIF89a\x01\0\x01\0\x80\0\0', 'latin1'),
    Buffer.from([grey, grey, grey, 0, 0, 0]),
    Buffer.from([0x21, 0xfe, comment.length]),
    Buffer.from(comment, 'latin1'),
    Buffer.from([0]),
    Buffer.from(',\0\0\0\0\x01\0\x01\0\0', 'latin1'),
    // LZW of two bits: clear, 0, end.
    Buffer.from([2, 2, 0x44, 0x01, 0, 0x3b]),
  ]);
}
