"""What a program asked of the kernel, in order, out of a file that strace wrote (`recorder` starts it).

Every string is written in hexadecimal (`-xx`), so that no byte of the data looks like strace's own punctuation, and
every descriptor with what it leads to (`-yy`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CALLS", "NEVER", "Call", "Handle", "Unexplained", "read_trace"]

CALLS = (
    "open,openat,openat2,creat,dup,dup2,dup3,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fallocate,"
    "fsync,fdatasync,sync,syncfs,sync_file_range,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,"
    "rmdir,symlink,symlinkat,sendto,sendmsg,sendfile,copy_file_range"
)
"""What may change a file, make it durable, or leave the machine."""

NEVER = 1 << 60
"""The moment of something that did not happen in the recording."""

_LINE = re.compile(r"(?P<pid>\d+) +(?:(?P<name>\w+)\((?P<rest>.*)|<\.\.\. (?P<resumed>\w+) resumed>(?P<more>.*))")
_OVER = " <unfinished ...>"
_RESULT = re.compile(r"\) += (?P<value>-?\d+|\?)(?P<after>.*)$")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_HANDLE = re.compile(r"^(?P<number>\d+|AT_FDCWD)(?:<(?P<leads>.*?)>)?(?=, \"|, \[|, \d|, F|, NULL|$)")
_HEX = re.compile(r"\\x([0-9a-f]{2})")


class Unexplained(Exception):
    """The recording holds something that this reader does not understand: better no result than a wrong one."""


@dataclass(frozen=True, slots=True)
class Handle:
    """A descriptor and what it leads to (`/path`, `/dev/pts/3<char 136:3>`, `TCP:[127.0.0.1:5->127.0.0.1:6]`)."""

    number: int
    leads: str


@dataclass(frozen=True, slots=True)
class Call:
    """One system call. `begun` and `done` are lines of the recording; an unfinished one is done at `NEVER`.

    `texts` are its strings, as bytes; `words` is the rest of its arguments as strace wrote them.
    """

    begun: int
    done: int
    name: str
    handle: Handle | None
    texts: tuple[bytes, ...]
    words: str
    result: int
    opened: str = ""

    @property
    def worked(self) -> bool:
        """Whether the kernel did it, as far as the recording tells."""
        return self.result >= 0


def read_trace(path: Path) -> Iterator[Call]:
    """The calls in the order in which they ended.

    Raises:
        Unexplained: a line that cannot be read, or data that was cut short.
    """
    under_way: dict[str, tuple[int, str, str]] = {}
    with path.open(encoding="ascii") as file:
        for place, raw in enumerate(file):
            found = _LINE.match(raw)
            if found is None:
                if "+++" in raw or "---" in raw:  # an exit, a signal
                    continue
                raise Unexplained(f"line {place}: {raw[:120]}")
            pid = found["pid"]
            if found["name"]:
                text = found["rest"]
                if text.endswith(_OVER):
                    under_way[pid] = (place, found["name"], text.removesuffix(_OVER))
                    continue
                yield _call(place, place, found["name"], text)
            else:
                begun, name, start = under_way.pop(pid)
                yield _call(begun, place, name, start + found["more"])
    for begun, name, start in under_way.values():
        yield _call(begun, NEVER, name, start + ") = ?")


def _call(begun: int, done: int, name: str, text: str) -> Call:
    ended = _RESULT.search(text)
    if ended is None:
        raise Unexplained(f"line {begun}: {name}({text[:60]} ... {text[-60:]}")
    words = text[: ended.start()]
    first = _HANDLE.match(words)
    handle = None
    if first is not None and first["number"] != "AT_FDCWD":
        handle = Handle(int(first["number"]), _plain(first["leads"] or ""))
    texts = []
    for quoted in _TEXT.finditer(words):
        if quoted[2]:
            raise Unexplained(f"line {begun}: strace cut the data of {name} short")
        texts.append(bytes.fromhex(quoted[1].replace("\\x", "")))
    value = ended["value"]
    after = ended["after"]
    opened = _plain(after[1:].rpartition(">")[0]) if after.startswith("<") else ""
    # Killed in the middle: the kernel may have done it or not, and it is taken for begun and never ended.
    return Call(begun, done, name, handle, tuple(texts), words, -1 if value == "?" else int(value), opened)


def _plain(text: str) -> str:
    return _HEX.sub(lambda found: chr(int(found[1], 16)), text)
