// What helpers does to a slice before and after its network, number for number: brain.normalise_images,
// inference.fitted and its way back, Pillow's resize, which both rest on, and AreaRule.without_small_parts. An image
// is {height, width, values}, its values row by row with the channels of a pixel side by side.
"use strict";

globalThis.slice = (() => {
  const PERCENTILES = [10, 99];
  const UPPER_PERCENTILE_VALUE = 200;
  const PAD_TO = 32; // a network for any size halves it at most five times
  const PRECISION = 22; // bits behind the point of Pillow's weights for bytes

  // To the nearest whole number, and from the middle to the even one, as numpy and Python do.
  function rounded(value) {
    const below = Math.floor(value), rest = value - below;
    return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
  }

  // The new value of each value of a channel, from how often each of the 256 occurs.
  function percentileTable(counts) {
    const below = counts.slice();
    for (let value = 1; value < 256; value++) below[value] += below[value - 1];
    const reached = (percentile) => below.findIndex((many) => 100 * many >= percentile * below[255]);
    const [low, high] = PERCENTILES.map(reached);
    return counts.map((_, value) => {
      const scaled = ((value - low) / Math.max(high - low, 1)) * UPPER_PERCENTILE_VALUE;
      return rounded(Math.min(Math.max(scaled, 0), 255));
    });
  }

  // Scale each channel of one slice by its own 10th and 99th percentile (Buda et al. 2019).
  function normalise({ height, width, values }) {
    const result = new Uint8Array(values.length);
    for (let channel = 0; channel < 3; channel++) {
      const counts = new Array(256).fill(0);
      for (let place = channel; place < values.length; place += 3) counts[values[place]]++;
      const table = percentileTable(counts);
      for (let place = channel; place < values.length; place += 3) result[place] = table[values[place]];
    }
    return { height, width, values: result };
  }

  const box = { reach: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) };
  const bilinear = { reach: 1, weight: (x) => Math.max(1 - Math.abs(x), 0) };

  // For each new place along one axis: the first old place that it reads, and the weights from there on.
  function weightsOf(size, newSize, filter) {
    const scale = size / newSize, stretch = Math.max(scale, 1), reach = filter.reach * stretch;
    return Array.from({ length: newSize }, (_, place) => {
      const centre = (place + 0.5) * scale;
      const first = Math.max(Math.trunc(centre - reach + 0.5), 0);
      const end = Math.min(Math.trunc(centre + reach + 0.5), size);
      const weights = [];
      for (let old = first; old < end; old++) weights.push(filter.weight((old - centre + 0.5) / stretch));
      const sum = weights.reduce((total, weight) => total + weight, 0);
      return { first, weights: weights.map((weight) => weight / sum) };
    });
  }

  // Resize along one axis. Bytes are weighted in whole numbers and rounded, fractions are kept as float32.
  function resizedAlong(axis, image, newSize, filter, channels) {
    const { height, width, values } = image;
    if (newSize === (axis === "x" ? width : height)) return image;
    const bytes = values instanceof Uint8Array;
    const [newHeight, newWidth] = axis === "x" ? [height, newSize] : [newSize, width];
    const step = axis === "x" ? channels : width * channels;
    const places = weightsOf(axis === "x" ? width : height, newSize, filter);
    if (bytes) for (const each of places) each.weights = each.weights.map((w) => Math.trunc(0.5 + w * 2 ** PRECISION));
    const result = new values.constructor(newHeight * newWidth * channels);
    let target = 0;
    for (let y = 0; y < newHeight; y++) {
      for (let x = 0; x < newWidth; x++) {
        const { first, weights } = places[axis === "x" ? x : y];
        const start = axis === "x" ? (y * width + first) * channels : (first * width + x) * channels;
        for (let channel = 0; channel < channels; channel++) {
          let sum = bytes ? 2 ** (PRECISION - 1) : 0;
          for (let k = 0; k < weights.length; k++) sum += values[start + channel + k * step] * weights[k];
          result[target++] = bytes ? Math.min(Math.floor(sum / 2 ** PRECISION), 255) : sum;
        }
      }
    }
    return { height: newHeight, width: newWidth, values: result };
  }

  function resized(image, height, width, filter, channels) {
    return resizedAlong("y", resizedAlong("x", image, width, filter, channels), height, filter, channels);
  }

  // The part of a map of one channel that lies in [top, bottom) and [left, right).
  function cropped({ width, values }, [top, left, bottom, right]) {
    const result = new Float32Array((bottom - top) * (right - left));
    for (let y = top; y < bottom; y++) {
      result.set(values.subarray(y * width + left, y * width + right), (y - top) * (right - left));
    }
    return { height: bottom - top, width: right - left, values: result };
  }

  // An image as a network of these sides takes it, and the way back for its map of one class. A side that is null
  // is free: the image goes on as in a mirror, below and on the right. Else it is scaled into the sides, in black.
  function fitted(image, sides) {
    const free = sides[0] === null;
    const scale = free ? 1 : Math.min(sides[0] / image.height, sides[1] / image.width);
    const height = free ? image.height : Math.max(1, rounded(image.height * scale));
    const width = free ? image.width : Math.max(1, rounded(image.width * scale));
    const scaled = resized(image, height, width, height < image.height ? box : bilinear, 3);
    const [outerHeight, outerWidth] = free ? [height, width].map((side) => Math.ceil(side / PAD_TO) * PAD_TO) : sides;
    const top = free ? 0 : Math.floor((outerHeight - height) / 2);
    const left = free ? 0 : Math.floor((outerWidth - width) / 2);
    const input = new Float32Array(outerHeight * outerWidth * 3);
    const mirrored = (place, side) => {
      const within = place % (2 * side);
      return within < side ? within : 2 * side - 1 - within;
    };
    for (let y = 0; y < (free ? outerHeight : height); y++) {
      for (let x = 0; x < (free ? outerWidth : width); x++) {
        const from = (mirrored(y, height) * width + mirrored(x, width)) * 3, to = ((y + top) * outerWidth + x + left) * 3;
        for (let channel = 0; channel < 3; channel++) input[to + channel] = scaled.values[from + channel] / 255;
      }
    }
    const restore = (values) => {
      const whole = { height: outerHeight, width: outerWidth, values };
      const inside = cropped(whole, [top, left, top + height, left + width]);
      return resized(inside, image.height, image.width, bilinear, 1);
    };
    return { input, shape: [1, outerHeight, outerWidth, 3], restore };
  }

  // An area without the connected parts that are smaller than a share of the largest one; corners connect.
  function withoutSmallParts(area, width, share) {
    if (!share) return area;
    const parts = new Int32Array(area.length), sizes = [0];
    area.forEach((value, start) => {
      if (!value || parts[start]) return;
      const waiting = [start];
      parts[start] = sizes.push(0) - 1;
      while (waiting.length) {
        const place = waiting.pop(), column = place % width;
        sizes[parts[start]]++;
        for (const row of [place - width, place, place + width]) {
          for (const next of [column > 0 ? row - 1 : row, row, column < width - 1 ? row + 1 : row]) {
            if (next < 0 || next >= area.length || !area[next] || parts[next]) continue;
            parts[next] = parts[start];
            waiting.push(next);
          }
        }
      }
    });
    const least = share * sizes.reduce((most, size) => Math.max(most, size), 0);
    return area.map((value, place) => value && sizes[parts[place]] >= least);
  }

  // What a network was trained for: the metadata of an ONNX file, of which only the outermost fields are read.
  // (A field is a number of its name and kind, then its content; kind 2 has its length in front.)
  function noteOf(bytes) {
    const METADATA = 14, KEY = 1, VALUE = 2;
    const words = new TextDecoder();
    function* fields(start, end) {
      let place = start;
      const number = () => {
        let value = 0;
        for (let scale = 1; ; scale *= 128) {
          const byte = bytes[place++];
          value += (byte & 127) * scale;
          if (byte < 128) return value;
        }
      };
      while (place < end) {
        const tag = number();
        if ((tag & 7) === 2) {
          const length = number();
          yield [tag >> 3, place, place + length];
          place += length;
        } else if ((tag & 7) === 0) number();
        else return;
      }
    }
    for (const [name, start, end] of fields(0, bytes.length)) {
      if (name !== METADATA) continue;
      const entry = {};
      for (const [part, from, to] of fields(start, end)) entry[part] = words.decode(bytes.subarray(from, to));
      if (entry[KEY] === "trained_for") return JSON.parse(entry[VALUE]);
    }
    return null;
  }

  return { normalise, fitted, withoutSmallParts, noteOf };
})();
