// The page with a network: reads a slice, lets the network predict it, and draws what is above the threshold.
// engine.js and network.js, which tools/make_page_parts.py makes, are read when the page is there.
"use strict";

(() => {
  const NORMALISATION = "each channel by the 10th and 99th percentile of its patient";
  const RED = [230, 30, 30], GREEN = [30, 200, 60];
  const INFERNO = [[0, 0, 4], [66, 10, 104], [147, 38, 103], [221, 81, 58], [252, 165, 10], [252, 255, 164]];
  const LARGEST = 2048; // pixels a side
  const MISSING =
    "This copy of the book was made without the network: make book, with a connection to the internet, brings it.";
  const element = (name) => document.getElementById(`network-${name}`);
  const here = document.currentScript.src;

  // What is seen: {choice, name, image, truth, probability}, probability as slice.js gives a map. A test reads it too.
  const page = (window.networkPage = { seen: null, ready: false });
  let predict = null, smallestPart = 0;
  let asked = 0; // counts the slices, so that a slow one does not come after a quick one

  function say(words) {
    element("status").textContent = words;
  }

  function complain(words) {
    element("error").textContent = words;
  }

  // --- the network

  function read(name) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL(name, here).href;
      script.onload = resolve;
      script.onerror = () => reject(new Error(MISSING));
      document.head.append(script);
    });
  }

  function bytesOf(text) {
    const letters = atob(text), bytes = new Uint8Array(letters.length);
    for (let place = 0; place < letters.length; place++) bytes[place] = letters.charCodeAt(place);
    return bytes;
  }

  async function unzipped(bytes) {
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  }

  async function load() {
    await Promise.all([read("engine.js"), read("network.js")]);
    const file = bytesOf(networkFile);
    const note = slice.noteOf(file);
    if (note?.normalisation !== NORMALISATION || note.classes.length !== 1) {
      throw new Error("The network of this book wants its slices treated in a way that this page does not know.");
    }
    // One thread: more of them want headers that a plain server of files does not send.
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmBinary = await unzipped(bytesOf(networkEngine.wasm));
    const module = new Blob([bytesOf(networkEngine.module)], { type: "text/javascript" });
    ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(module) };
    const session = await ort.InferenceSession.create(file, { executionProviders: ["wasm"] });
    predict = async (image) => {
      const { input, shape, restore } = slice.fitted(slice.normalise(image), note.size);
      const answer = await session.run({ image: new ort.Tensor("float32", input, shape) });
      return restore(answer.probabilities.data);
    };
    element("threshold").value = note.threshold;
    smallestPart = note.settings?.smallest_part ?? 0;
  }

  // --- files

  // The colours of a picture as they stand in its file, or a sentence about why there are none.
  async function decoded(file) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    return tiff.isOne(bytes) ? tiff.decoded(bytes, refuseLarge) : picture(file, bytes);
  }

  function refuseLarge(width, height) {
    if (Math.max(width, height) > LARGEST) {
      throw new Error(`has ${width} x ${height} pixels: give at most ${LARGEST} a side`);
    }
  }

  async function picture(file, bytes) {
    const isPng = bytes[0] === 0x89 && bytes[1] === 0x50;
    if (isPng && bytes[24] === 16) {
      throw new Error("has 16 bits for each colour, of which a browser keeps 8: save it with 8 bits");
    }
    let bitmap;
    try {
      bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
    } catch {
      throw new Error("is no picture that this browser can read: give a PNG, a JPEG or a TIFF");
    }
    const { width, height } = bitmap;
    refuseLarge(width, height);
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    const values = new Uint8Array(width * height * 3);
    for (let pixel = 0; pixel < width * height; pixel++) {
      if (data[4 * pixel + 3] < 255) {
        throw new Error("has transparent pixels, whose colours a browser does not keep: save it without transparency");
      }
      for (let channel = 0; channel < 3; channel++) values[3 * pixel + channel] = data[4 * pixel + channel];
    }
    return { height, width, values };
  }

  async function show(choice, name, file, truthFile = null) {
    const number = ++asked;
    complain("");
    say(`${name} is being predicted.`);
    try {
      const image = await decoded(file);
      const truth = truthFile && (await decoded(truthFile)).values.filter((_, place) => place % 3 === 0);
      const probability = await predict(image);
      if (number !== asked) return;
      page.seen = { choice, name, image, truth, probability };
      draw();
      say(`${name}: ${image.width} x ${image.height} pixels.`);
    } catch (error) {
      if (number !== asked) return;
      complain(`${name} ${error.message}.`);
      say(page.seen ? `${page.seen.name} is still shown.` : "");
    }
    element("example").value = page.seen?.choice ?? choice;
  }

  // --- pictures

  // The pixels of an area that touch its outside; the image's border is outside too.
  function isContour(area, width, height, x, y) {
    const at = (column, row) => column >= 0 && row >= 0 && column < width && row < height && area[row * width + column];
    return at(x, y) && !(at(x - 1, y) && at(x + 1, y) && at(x, y - 1) && at(x, y + 1));
  }

  function colour(probability) {
    const place = Math.min(Math.max(probability, 0), 1) * (INFERNO.length - 1);
    const low = Math.min(Math.floor(place), INFERNO.length - 2);
    return INFERNO[low].map((value, channel) => value + (place - low) * (INFERNO[low + 1][channel] - value));
  }

  function paint(name, width, height, colourOf) {
    const canvas = element(name);
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    const pixels = context.createImageData(width, height);
    for (let pixel = 0; pixel < width * height; pixel++) {
      const [red, green, blue] = colourOf(pixel % width, Math.floor(pixel / width), pixel);
      pixels.data.set([red, green, blue, 255], 4 * pixel);
    }
    context.putImageData(pixels, 0, 0);
  }

  // Which pixels are above the threshold, compared in float32 as in Python, but for what its run drops as too small.
  page.area = () => {
    const threshold = Math.fround(element("threshold").value), { values, width } = page.seen.probability;
    return slice.withoutSmallParts(values.map((probability) => probability >= threshold), width, smallestPart);
  };

  function draw() {
    const threshold = Number(element("threshold").value).toFixed(2);
    element("threshold-value").textContent = threshold;
    element("threshold").setAttribute("aria-valuetext", threshold);
    if (!page.seen) return;
    const { image, truth, probability, name } = page.seen;
    const { width, height, values } = image;
    const area = page.area();
    paint("slice", width, height, (x, y, pixel) => {
      if (isContour(area, width, height, x, y)) return RED;
      if (truth && isContour(truth, width, height, x, y)) return GREEN;
      return values.subarray(3 * pixel, 3 * pixel + 3);
    });
    paint("map", width, height, (x, y, pixel) => colour(probability.values[pixel]));
    element("truth-words").hidden = !truth;

    const sum = (mask) => mask.reduce((total, value) => total + (value > 0), 0);
    const found = sum(area), share = ((100 * found) / area.length).toFixed(1);
    let words = found
      ? `Above the threshold of ${threshold} lie ${found} pixels, ${share} % of the slice.`
      : `No pixel lies above the threshold of ${threshold}.`;
    if (truth) {
      const both = area.reduce((total, value, pixel) => total + (value && truth[pixel] > 0), 0);
      words += ` Dice with the true tumour: ${((2 * both) / (found + sum(truth))).toFixed(3)}.`;
    }
    element("words").textContent = words;
    const highest = Math.max(...blocks(probability.values)).toFixed(2);
    element("slice").setAttribute("aria-label", `${name} with the contour of what the network finds. ${words}`);
    const map = `Map of the probability of tumour in ${name}; its highest value is ${highest}.`;
    element("map").setAttribute("aria-label", map);
  }

  // The largest values of an array piece by piece: a function takes only so many arguments.
  function* blocks(values) {
    for (let start = 0; start < values.length; start += 4096) yield Math.max(...values.subarray(start, start + 4096));
  }

  // --- what a visitor does

  function showExample() {
    const choice = element("example").value;
    const { image, truth } = networkExamples[choice];
    const name = element("example").selectedOptions[0].textContent;
    element("file").value = ""; // so that the same file can be chosen again
    return show(choice, name, new Blob([bytesOf(image)]), new Blob([bytesOf(truth)]));
  }

  function showOwn(file) {
    return show("own", file.name, file);
  }

  async function begin() {
    say("The network is being loaded, 15 MB.");
    try {
      await load();
    } catch (error) {
      say("");
      complain(error.message);
      return;
    }
    networkExamples.forEach((_, number) => element("example").add(new Option(`Phantom ${number + 1}`, number)));
    element("example").add(new Option("your own", "own"));
    element("example").lastChild.disabled = true; // chosen by choosing a file
    for (const name of ["example", "file", "threshold"]) element(name).disabled = false;
    element("example").addEventListener("change", showExample);
    element("file").addEventListener("change", (event) => event.target.files.length && showOwn(event.target.files[0]));
    element("threshold").addEventListener("input", draw);
    const place = document.getElementById("network-page");
    for (const [name, dropping] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
      place.addEventListener(name, (event) => {
        event.preventDefault();
        place.classList.toggle("network-dropping", dropping);
      });
    }
    place.addEventListener("drop", (event) => event.dataTransfer.files.length && showOwn(event.dataTransfer.files[0]));
    await showExample();
    page.ready = true;
  }

  begin();
})();
