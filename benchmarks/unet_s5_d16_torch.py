"""The training step of UNet-S5-D16 in plain PyTorch, beside that of `python benchmarks/gpu.py step`.

    python benchmarks/unet_s5_d16_torch.py --batches 4 16 --types bfloat16 float32 --compile True False

The same network, loss (cross-entropy over all pixels, 255 ignored, the auxiliary head's at 0.4) and optimizer (SGD,
momentum 0.9, decay 5e-4), the images on the device, in channels_last; bfloat16 by autocast. Needs torch alone.
"""

import argparse
import contextlib
import fcntl
import json
import math
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

PARAMETERS = 29_062_886
MULTIPLY_ADDS = 406e9  # of one prediction at 512 x 1024
PEAK = 989e12  # operations a second of an H100 or H200 in bfloat16, dense, by its data sheet


def convolution(channels: int, width: int, kernel_size: int = 3) -> nn.Sequential:
    """Convolution without bias, batch normalisation, ReLU."""
    layer = nn.Conv2d(channels, width, kernel_size, padding=kernel_size // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(width), nn.ReLU(inplace=True))


class Up(nn.Module):
    """Bilinear by two, 1x1 convolution, concatenation (skip, up), two convolutions."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.narrow = convolution(channels, width, 1)
        self.convolutions = nn.Sequential(convolution(2 * width, width), convolution(width, width))

    def forward(self, below, skip):
        """(batch, channels, h, w) and (batch, width, 2h, 2w) to the shape of the second."""
        up = functional.interpolate(below, scale_factor=2, mode="bilinear", align_corners=False)
        return self.convolutions(torch.cat([skip, self.narrow(up)], dim=1))


class UNetS5D16(nn.Module):
    """mmsegmentation's UNet-S5-D16 with FCN heads; (batch, 3, height, width) to two maps of logits."""

    def __init__(self, filters: int = 64, classes: int = 19):
        super().__init__()
        widths = [filters * 2**level for level in range(5)]
        self.down = nn.ModuleList(
            nn.Sequential(convolution(before, width), convolution(width, width))
            for before, width in zip([3, *widths], widths, strict=False)
        )
        self.up = nn.ModuleList(Up(2 * width, width) for width in widths[-2::-1])
        self.head = self._head(filters, filters, classes)
        self.auxiliary_head = self._head(2 * filters, filters, classes)

    @staticmethod
    def _head(channels: int, width: int, classes: int) -> nn.Sequential:
        return nn.Sequential(convolution(channels, width), nn.Dropout2d(0.1), nn.Conv2d(width, classes, 1))

    def forward(self, images):
        """Logits of the main head, and of the auxiliary one at half the resolution stretched to the whole."""
        x, features = images, []
        for level, stage in enumerate(self.down):
            x = stage(functional.max_pool2d(x, 2) if level else x)
            features.append(x)
        levels = []
        for stage, skip in zip(self.up, features[-2::-1], strict=True):
            x = stage(x, skip)
            levels.append(x)
        second = self.auxiliary_head(levels[-2])
        return self.head(x), functional.interpolate(second, scale_factor=2, mode="bilinear", align_corners=False)


def total_loss(main, auxiliary, classes):
    """Cross-entropy of both heads in float32, divided by all pixels."""

    def loss(logits):
        return functional.cross_entropy(logits.float(), classes, ignore_index=255, reduction="sum") / classes.numel()

    return loss(main) + 0.4 * loss(auxiliary)


@contextlib.contextmanager
def quiet(lock: Path, pause: Path | None):
    """Have the GPU alone, as `gpu.quiet`: no other process times, and those named in `pause` stand still."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        numbers = [int(path.read_text()) for path in sorted(pause.glob("*.pid"))] if pause else []
        numbers = [number for number in numbers if number != os.getpid()]
        stopped = []
        try:
            for number in numbers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGSTOP)
                    stopped.append(number)
            time.sleep(0.3 if stopped else 0)
            yield
        finally:
            for number in stopped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGCONT)


def time_one(options: argparse.Namespace) -> dict:
    """Time one type and batch."""
    kind, batch, compiled = options.one[0], int(options.one[1]), options.one[2] == "True"
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if options.pause:
        (options.pause / f"{os.getpid()}.pid").write_text(str(os.getpid()))  # for the other process that times
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cuda.matmul.allow_tf32 = True
    model = UNetS5D16(options.filters).to(device, memory_format=torch.channels_last).train()
    parameters = sum(each.numel() for each in model.parameters())
    assert options.filters != 64 or parameters == PARAMETERS, parameters
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, weight_decay=5e-4)
    shape = batch, 3, options.height, 2 * options.height
    images = torch.rand(shape, device=device).to(memory_format=torch.channels_last)
    classes = torch.randint(0, 19, (batch, options.height, 2 * options.height), device=device)
    forward = (
        torch.compile(lambda x, y: total_loss(*model(x), y)) if compiled else lambda x, y: total_loss(*model(x), y)
    )

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, torch.bfloat16, enabled=kind == "bfloat16"):
            loss = forward(images, classes)
        loss.backward()
        optimizer.step()
        return loss.item()  # waits for the device

    began = time.perf_counter()
    for _ in range(3):
        step()
    compiling = time.perf_counter() - began
    seconds = []
    with quiet(options.lock, options.pause):
        for number in range(options.repeats + 2):
            began = time.perf_counter()
            loss = step()
            if number >= 2:
                seconds.append(time.perf_counter() - began)
    middle = statistics.median(seconds)
    return {
        "framework": f"torch {torch.__version__}" + (", compiled" if compiled else ""),
        "policy": kind,
        "batch": batch,
        "milliseconds_per_step": 1000 * middle,
        "fastest": 1000 * min(seconds),
        "slowest": 1000 * max(seconds),
        "images_per_second": batch / middle,
        "share_of_bfloat16_peak": 6 * MULTIPLY_ADDS * batch / middle / PEAK,
        "seconds_to_compile": compiling,
        "parameters": parameters,
        "loss": loss if math.isfinite(loss) else None,
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
    }


def main() -> None:
    """Time each type and batch in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--batches", nargs="+", type=int, default=[16, 4])
    add("--types", nargs="+", default=["float32", "bfloat16"], choices=("float32", "bfloat16"))
    add("--compile", nargs="+", default=["True"], choices=("True", "False"))
    add("--height", type=int, default=512, help="the width is twice as much")
    add("--filters", type=int, default=64)
    add("--repeats", type=int, default=20)
    add("--seconds", type=float, default=600, help="nothing begins after these")
    add("--out", type=Path, default=Path("runs/gpu"))
    add("--lock", type=Path, default=Path("runs/gpu/lock"), help="a file that two timings share")
    add("--pause", type=Path, help="a folder of *.pid files: these processes pause while a step is timed")
    add("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(time_one(options)), flush=True)
        return
    options.out.mkdir(parents=True, exist_ok=True)
    until, rows = time.time() + options.seconds, []
    for compiled in options.compile:
        for kind in options.types:
            for batch in options.batches:
                if time.time() > until:
                    print(f"no time for {kind}, batch {batch}, compiled {compiled}", flush=True)
                    continue
                command = [sys.executable, __file__, *sys.argv[1:], "--one", kind, str(batch), compiled]
                done = subprocess.run(command, capture_output=True, text=True)
                lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
                failed = {"framework": "torch", "policy": kind, "batch": batch, "error": done.stderr[-600:]}
                rows.append(json.loads(lines[-1]) if lines else failed)
                print(json.dumps(rows[-1]), flush=True)
                (options.out / "steps-torch.json").write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
