// Reads a TIFF as the sets of slices have them, which no browser but Safari does: one page, 8 bits for each colour, in
// strips, as it is or packed with LZW or Deflate. All else is refused in a sentence that follows the file's name.
"use strict";

globalThis.tiff = (() => {
  const WIDTH = 256, HEIGHT = 257, BITS = 258, PACKING = 259, COLOURS = 262, OFFSETS = 273, ORIENTATION = 274;
  const SAMPLES = 277, ROWS = 278, COUNTS = 279, PLANES = 284, PREDICTOR = 317, FILL_ORDER = 266;
  const LONGEST = { 1: 1, 3: 2, 4: 4 }; // bytes of a number of each kind

  function isOne(bytes) {
    const mark = String.fromCharCode(...bytes.subarray(0, 4));
    return mark === "II*\0" || mark === "MM\0*";
  }

  // The numbers under each tag of the first page, and whether there is another page.
  function directory(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const little = bytes[0] === 0x49;
    const number = (place, size) =>
      size === 1 ? view.getUint8(place) : size === 2 ? view.getUint16(place, little) : view.getUint32(place, little);
    const start = number(4, 4), entries = number(start, 2), tags = new Map();
    for (let entry = start + 2; entry < start + 2 + 12 * entries; entry += 12) {
      const size = LONGEST[number(entry + 2, 2)], count = number(entry + 4, 4);
      if (!size) continue;
      const place = size * count > 4 ? number(entry + 8, 4) : entry + 8;
      tags.set(number(entry, 2), Array.from({ length: count }, (_, at) => number(place + at * size, size)));
    }
    return { tags, isLast: number(start + 2 + 12 * entries, 4) === 0 };
  }

  // LZW as in TIFF 6.0: codes of 9 to 12 bits, the highest bit first; each adds the one before it and one byte more.
  function unpackedLzw(bytes, length) {
    const CLEAR = 256, END = 257;
    const before = new Uint16Array(4097), last = new Uint8Array(4097), lengths = new Uint16Array(4097);
    for (let code = 0; code < 256; code++) [last[code], lengths[code]] = [code, 1];
    const result = new Uint8Array(length);
    let filled = 0, next = END + 1, previous = CLEAR, held = 0, bits = 0, width = 9;
    // Writes the bytes of a code, its last one first, and gives the first.
    const write = (code) => {
      const size = lengths[code];
      for (let place = filled + size - 1; place > filled; place--, code = before[code]) result[place] = last[code];
      result[filled] = last[code];
      filled += size;
      return last[code];
    };
    for (let place = 0; place < bytes.length && filled < length; ) {
      while (bits < width && place < bytes.length) [held, bits] = [((held << 8) | bytes[place++]) & 0xffffff, bits + 8];
      if (bits < width) break;
      const code = (held >> (bits -= width)) & ((1 << width) - 1);
      if (code === END) break;
      if (code === CLEAR) {
        [next, width, previous] = [END + 1, 9, CLEAR];
        continue;
      }
      if (previous !== CLEAR && next < 4096) {
        [before[next], lengths[next]] = [previous, lengths[previous] + 1];
        let first = code < next ? code : previous;
        while (lengths[first] > 1) first = before[first];
        last[next++] = last[first];
      }
      if (code >= next) throw new Error("is a damaged TIFF");
      write(code);
      previous = code;
      if (next + 1 >= 1 << width && width < 12) width++;
    }
    return result.subarray(0, filled);
  }

  async function unpackedDeflate(bytes) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  // The picture as slice.js takes it; an Error says what is in the way. check(width, height) may throw one too.
  async function decoded(bytes, check = () => {}) {
    let tags, isLast;
    try {
      ({ tags, isLast } = directory(bytes));
    } catch {
      throw new Error("is a damaged TIFF");
    }
    const one = (tag, otherwise) => tags.get(tag)?.[0] ?? otherwise;
    const width = one(WIDTH), height = one(HEIGHT), samples = one(SAMPLES, 1), packing = one(PACKING, 1);
    const rows = Math.min(one(ROWS, height), height), predictor = packing === 1 ? 1 : one(PREDICTOR, 1);
    if (!isLast) throw new Error("holds several pages: save each as a file of its own");
    if (!(width > 0 && height > 0 && rows > 0)) throw new Error("is a damaged TIFF");
    check(width, height);
    if ((tags.get(BITS) ?? [1]).some((bits) => bits !== 8)) {
      throw new Error("has not 8 bits for each colour: save it as a PNG with 8 bits");
    }
    const isPlain = [PLANES, ORIENTATION, FILL_ORDER].every((tag) => one(tag, 1) === 1) && tags.has(OFFSETS);
    const isGrey = one(COLOURS) === 1 && samples <= 2, isColoured = one(COLOURS) === 2 && samples >= 3;
    const isKnown = [1, 5, 8, 32946].includes(packing) && [1, 2].includes(predictor);
    if (!isKnown || !isPlain || !(isGrey || isColoured)) {
      throw new Error("is a TIFF of a kind that this page does not read: save it as a PNG");
    }
    const offsets = tags.get(OFFSETS), counts = tags.get(COUNTS) ?? [];
    if (Math.min(offsets.length, counts.length) * rows < height) throw new Error("is a damaged TIFF");
    const row = width * samples, all = new Uint8Array(height * row);
    for (let first = 0, strip = 0; first < height; first += rows, strip++) {
      const length = Math.min(rows, height - first) * row;
      const packed = bytes.subarray(offsets[strip], offsets[strip] + counts[strip]);
      let part = packed;
      try {
        if (packing === 5) part = unpackedLzw(packed, length);
        else if (packing !== 1) part = await unpackedDeflate(packed);
      } catch {
        throw new Error("is a damaged TIFF");
      }
      if (part.length < length) throw new Error("is a TIFF that ends too early");
      all.set(part.subarray(0, length), first * row);
    }
    if (predictor === 2) {
      for (let place = 0; place < all.length; place++) if (place % row >= samples) all[place] += all[place - samples];
    }
    const values = new Uint8Array(height * width * 3);
    for (let place = 0; place < values.length; place++) {
      const pixel = Math.floor(place / 3);
      values[place] = all[pixel * samples + (isGrey ? 0 : place % 3)];
    }
    return { height, width, values };
  }

  return { isOne, decoded };
})();
