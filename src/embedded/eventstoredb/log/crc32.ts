import * as zlib from 'node:zlib';

/** CRC-32 (IEEE 802.3). Node has a native one from 20.15 on; before that, this table-driven one gives the same values. */
export const crc32: (data: Uint8Array) => number =
  typeof (zlib as { crc32?: unknown }).crc32 === 'function' ? (data) => zlib.crc32(data) : portableCrc32;

const slices = buildSlices();

/** Four bytes a step ("slicing by four"). */
export function portableCrc32(data: Uint8Array): number {
  const [s0, s1, s2, s3] = slices;
  let crc = 0xffffffff;
  let i = 0;
  for (const last = data.length - 3; i < last; i += 4) {
    crc ^= data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24);
    crc = s3[crc & 255]! ^ s2[(crc >>> 8) & 255]! ^ s1[(crc >>> 16) & 255]! ^ s0[crc >>> 24]!;
  }
  for (; i < data.length; i++) crc = (crc >>> 8) ^ s0[(crc ^ data[i]!) & 255]!;
  return (crc ^ 0xffffffff) >>> 0;
}

function buildSlices(): [Uint32Array, Uint32Array, Uint32Array, Uint32Array] {
  const tables: [Uint32Array, Uint32Array, Uint32Array, Uint32Array] = [
    new Uint32Array(256),
    new Uint32Array(256),
    new Uint32Array(256),
    new Uint32Array(256),
  ];
  for (let i = 0; i < 256; i++) {
    let value = i;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    tables[0][i] = value;
  }
  for (let i = 0; i < 256; i++) {
    for (let t = 1; t < 4; t++) {
      const previous = tables[t - 1]![i]!;
      tables[t]![i] = (previous >>> 8) ^ tables[0][previous & 255]!;
    }
  }
  return tables;
}
