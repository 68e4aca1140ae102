"""Run every solution top to bottom, and write its minutes and its peak memory into README.md's table of lessons.

python benchmarks/lessons.py
"""

import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def measure(notebook: Path) -> tuple[float, float]:
    """Seconds, and the megabytes of the largest process, of running a notebook."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["nbconvert", "--to", "notebook", "--execute", "--output-dir", folder, str(notebook)]
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "jupyter", *words], check=True, capture_output=True)
        seconds = time.perf_counter() - started
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main() -> None:
    """Measure the lesson that is named, or each in a process of its own, since a process's peak never falls."""
    solutions = {path.stem: path for path in sorted(ROOT.glob("solutions/*/*.ipynb"))}
    if len(sys.argv) == 1:
        for name in solutions:
            subprocess.run([sys.executable, __file__, name], check=True)
        return
    name = sys.argv[1]
    seconds, megabytes = measure(solutions[name])
    print(f"{name}: {seconds:.0f} s, {megabytes:.0f} MB", flush=True)
    readme = ROOT / "README.md"
    row = re.compile(rf"(\| \[{name}\].*?\|.*?\|.*?\|) [^|]* \| [^|]* \|")
    text, found = row.subn(rf"\1 {seconds / 60:.1f} | {megabytes / 1000:.1f} GB |", readme.read_text())
    assert found == 1, f"README.md has no row for {name}"
    readme.write_text(text)


if __name__ == "__main__":
    main()
