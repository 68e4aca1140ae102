"""What stands inside the sandbox: it gives its rights away, runs one command, and sends back what that left.

Also the messages that cross the wall, on both sides: a header of JSON, then named parts of plain bytes.
"""

import contextlib
import ctypes
import json
import os
import resource
import stat
import subprocess
import sys

LONGEST_HEADER = 16 * 2**20
MOST_PARTS = 200_000  # as many as wire.MOST_ITEMS: each number of NumPy is a part


class Stream:
    """A file descriptor that reads exactly as much as it is asked for."""

    def __init__(self, descriptor: int):
        self.descriptor = descriptor

    def read(self, size: int) -> bytes:
        """Read `size` bytes; ConnectionResetError where the other side has gone."""
        parts = []
        while size:
            part = os.read(self.descriptor, min(size, 2**20))
            if not part:
                raise ConnectionResetError("the other side has gone")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def send(descriptor: int, header: dict, parts=()) -> None:
    """Send a message: a header that JSON can write, and (name, bytes) parts."""
    parts = list(parts)
    text = json.dumps([header, [[name, len(content)] for name, content in parts]]).encode()
    view = memoryview(b"".join([len(text).to_bytes(8, "big"), text, *(content for _, content in parts)]))
    while view:
        try:
            view = view[os.write(descriptor, view[: 2**20]) :]
        except BlockingIOError:
            import select

            if not select.select([], [descriptor], [], 30)[1]:
                raise TimeoutError from None


def receive(stream, most: int) -> tuple[dict, list[tuple[str, bytes]]]:
    """Read a message of at most `most` bytes.

    Raises:
        ValueError: what came is no message, or too long.
        OSError: the other side has gone (ConnectionResetError), or took too long (TimeoutError).
    """
    length = int.from_bytes(stream.read(8), "big")
    if length > min(most, LONGEST_HEADER):
        raise ValueError("the message is too long")
    try:
        header, sizes = json.loads(stream.read(length))
        sizes = [(str(name), int(size)) for name, size in sizes]
    except (TypeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError("the message is no message") from error
    if not isinstance(header, dict) or len(sizes) > MOST_PARTS:
        raise ValueError("the message is no message")
    if any(size < 0 for _, size in sizes) or length + sum(size for _, size in sizes) > most:
        raise ValueError("the message is too long")
    return header, [(name, stream.read(size)) for name, size in sizes]


def give_up_rights() -> None:
    """Become a user who owns nothing, with the limits that the grader has set; from here on nothing is trusted."""
    rules = json.loads(os.environ.pop("GRADING_RULES", "{}"))
    if not rules:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (rules["file_size"],) * 2)
    resource.setrlimit(resource.RLIMIT_DATA, (2 * rules["memory"],) * 2)
    resource.setrlimit(resource.RLIMIT_NPROC, (rules["processes"],) * 2)
    if rules["user"] is not None:
        os.setgroups([])
        os.setresgid(*(rules["user"],) * 3)
        os.setresuid(*(rules["user"],) * 3)
    no_new_rights = 38  # PR_SET_NO_NEW_PRIVS in linux/prctl.h
    ctypes.CDLL(None).prctl(no_new_rights, 1, 0, 0, 0)


def take_the_pipes() -> tuple[int, int]:
    """Keep the two pipes for the conversation, and give the program empty ones."""
    reader, writer = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    return reader, writer


def main() -> None:
    """Take one order from the pipe: put its files down, run its command, send back its status, output and files."""
    reader, writer = take_the_pipes()
    order, files = receive(Stream(reader), 2**40)
    give_up_rights()
    for name, content in files:
        folder = os.path.dirname(name)
        if folder:
            os.makedirs(folder, exist_ok=True)
        with open(name, "wb") as file:
            file.write(content)
    started = subprocess.Popen(
        order["command"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, close_fds=True
    )
    kept = b""
    while part := started.stdout.read1(65536):
        kept += part[: order["output"] - len(kept)]
    parts = []
    for name in order["wanted"]:
        with contextlib.suppress(OSError):
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with open(descriptor, "rb") as file:
                if stat.S_ISREG(os.fstat(descriptor).st_mode):
                    parts.append((name, file.read()))
    send(writer, {"status": started.wait(), "output": kept.decode(errors="replace")}, parts)


if __name__ == "__main__":
    sys.exit(main())
