"""What a disk may hold after the power fails: every write and every name that a sync covers, any choice of the others.

Stricter than any one file system: names of a directory last only through an fsync of that directory, in whatever
order; a file's bytes only through an fsync of that file, 512 bytes at a time if need be.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tests.torture.trace import NEVER, Call, Handle, Unexplained

__all__ = ["Directory", "Disk", "File", "Loss"]

SECTOR = 512
_SHARED_MEMORY = "-shm"


class Loss(StrEnum):
    """What becomes of the changes that no sync covers."""

    EVERYTHING = "everything"
    SOME = "some"
    TORN = "torn"
    NOTHING = "nothing"


@dataclass(slots=True)
class _Change:
    """Bytes at an offset; without bytes, a new length. Durable as soon as the sync that ends at `safe` has ended."""

    begun: int
    done: int
    at: int
    data: bytes | None
    safe: int = NEVER


@dataclass(eq=False, slots=True)
class File:
    """An inode: all that was ever done to its bytes. `memory` is shared memory: its bytes follow no rule."""

    mode: int
    memory: bool = False
    changes: list[_Change] = field(default_factory=list)
    size: int = 0


@dataclass(eq=False, slots=True)
class Directory:
    """A directory; its names are kept by the disk."""


Node = File | Directory


@dataclass(eq=False, slots=True)
class _Naming:
    """A change of names in one directory, which an fsync of that directory makes last.

    A move between directories is two: the new name first; that the old one is gone cannot be seen without it (`after`).
    """

    begun: int
    done: int
    directory: Directory
    sets: tuple[tuple[str, Node | None], ...]
    after: _Naming | None = None
    safe: int = NEVER


class Disk:
    """A directory tree, followed through a recording.

    Args:
        root: absolute path of the tree; what lies there at the start is durable.
        before: a copy of the tree as it was when the recording began; None for an empty one.
    """

    def __init__(self, root: Path, before: Path | None = None) -> None:
        self._root = os.fspath(root)
        self.root = Directory()
        self._live: dict[tuple[Directory, str], Node] = {}
        self._names: list[_Naming] = []
        # By number and path: the till's own processes (the copy after a close) each count their descriptors from 0.
        self._open: dict[tuple[int, str], tuple[Node, int, bool]] = {}
        self.operations: list[int] = []
        if before is not None:
            self._load(before, self.root)

    def _load(self, place: Path, directory: Directory) -> None:
        for found in sorted(place.iterdir()):
            if found.is_symlink() or found.name.endswith(_SHARED_MEMORY) or not (found.is_dir() or found.is_file()):
                continue
            node: Node = Directory() if found.is_dir() else File(found.stat().st_mode & 0o777)
            self._name(-1, -1, directory, (found.name, node)).safe = -1
            if isinstance(node, Directory):
                self._load(found, node)
            else:
                data = found.read_bytes()
                node.size = len(data)
                node.changes.append(_Change(-1, -1, 0, data, -1))

    @property
    def renamings(self) -> set[int]:
        """The operations that changed a name, and those right after them."""
        places = sorted(set(self.operations))
        named = {naming.begun for naming in self._names}
        return {place for before, place in zip([-1, *places], places, strict=False) if {before, place} & named}

    # -- following ---------------------------------------------------------------------------------------------------

    def follow(self, call: Call) -> None:
        """Take one call of the recording; those that do not concern the tree change nothing.

        Raises:
            Unexplained: a call on the tree that is not understood.
        """
        if not call.worked:
            return
        act = getattr(self, f"_on_{call.name}", None)
        if act is not None:
            if act(call):
                self.operations.append(call.begun)
        elif self._inside(call.handle.leads if call.handle else "") or any(
            self._inside(os.fsdecode(text)) for text in call.texts if b"/" in text[:1]
        ):
            raise Unexplained(f"line {call.begun}: {call.name} on the data directory")

    def _inside(self, path: str) -> bool:
        return path == self._root or path.startswith(self._root + "/")

    def _place(self, path: str) -> tuple[Directory, str] | None:
        """Directory and last name of a path of the tree."""
        if not self._inside(path) or path == self._root:
            return None
        *way, name = path[len(self._root) + 1 :].rstrip("/").split("/")
        at = self.root
        for step in way:
            found = self._live.get((at, step))
            if not isinstance(found, Directory):
                raise Unexplained(f"no directory {step} of {path}")
            at = found
        return at, name

    def _node(self, path: str) -> Node | None:
        if path == self._root:
            return self.root
        place = self._place(path)
        return self._live.get(place) if place is not None else None

    def _handle(self, call: Call) -> tuple[Node, int, bool] | None:
        """What is behind the call's descriptor, if it leads into the tree."""
        if call.handle is None or not self._inside(call.handle.leads.removesuffix(" (deleted)")):
            return None
        held = self._open.get(self._descriptor(call.handle))
        if held is None:
            raise Unexplained(f"line {call.begun}: {call.name} on a descriptor nobody opened")
        return held

    def _descriptor(self, handle: Handle) -> tuple[int, str]:
        """Under what the descriptor was opened: by the path that it leads to, or by one that was renamed since."""
        path = handle.leads.removesuffix(" (deleted)")
        usual = handle.number, path
        node = self._node(path)
        if node is None or self._open.get(usual, (None,))[0] is node:
            return usual
        return next((key for key, held in self._open.items() if key[0] == handle.number and held[0] is node), usual)

    def _name(
        self, begun: int, done: int, directory: Directory, *sets: tuple[str, Node | None], after: _Naming | None = None
    ) -> _Naming:
        naming = _Naming(begun, done, directory, sets, after)
        self._names.append(naming)
        for name, node in sets:
            if node is None:
                self._live.pop((directory, name), None)
            else:
                self._live[directory, name] = node
        return naming

    # -- names -------------------------------------------------------------------------------------------------------

    def _on_openat(self, call: Call) -> bool:
        path = call.opened
        if not self._inside(path):
            return False
        node, changed = self._node(path), False
        if node is None:
            if "O_CREAT" not in call.words:
                raise Unexplained(f"line {call.begun}: {path} was opened, but never made")
            place = self._place(path)
            assert place is not None
            node = File(int(call.words.rpartition(" ")[2], 8) & ~_umask(), place[1].endswith(_SHARED_MEMORY))
            self._name(call.begun, call.done, place[0], (place[1], node))
            changed = True
        elif isinstance(node, File) and "O_TRUNC" in call.words:
            self._change(node, call, 0, None)
            changed = True
        self._open[call.result, path] = (node, 0, "O_APPEND" in call.words)
        return changed

    _on_open = _on_creat = _on_openat

    def _on_mkdir(self, call: Call) -> bool:
        place = self._place(os.fsdecode(call.texts[0]))
        if place is None:
            return False
        self._name(call.begun, call.done, place[0], (place[1], Directory()))
        return True

    def _on_rename(self, call: Call) -> bool:
        old, new = (self._place(os.fsdecode(text)) for text in call.texts)
        if old is None and new is None:
            return False
        node = self._live.get(old) if old is not None else None
        if old is None or new is None or not isinstance(node, File):
            raise Unexplained(f"line {call.begun}: a rename in or out of the tree, or of a directory")
        if old[0] is new[0]:
            self._name(call.begun, call.done, new[0], (new[1], node), (old[1], None))
        else:
            there = self._name(call.begun, call.done, new[0], (new[1], node))
            self._name(call.begun, call.done, old[0], (old[1], None), after=there)
        return True

    def _on_link(self, call: Call) -> bool:
        old, new = (self._place(os.fsdecode(text)) for text in call.texts)
        if old is None and new is None:
            return False
        if old is None or new is None:
            raise Unexplained(f"line {call.begun}: a link in or out of the tree")
        self._name(call.begun, call.done, new[0], (new[1], self._live[old]))
        return True

    def _on_unlink(self, call: Call) -> bool:
        place = self._place(os.fsdecode(call.texts[0]))
        if place is None:
            return False
        self._name(call.begun, call.done, place[0], (place[1], None))
        return True

    _on_rmdir = _on_unlink

    def _on_unlinkat(self, call: Call) -> bool:
        path = os.fsdecode(call.texts[-1])
        if call.handle is not None:
            path = f"{call.handle.leads}/{path}"
        place = self._place(path)
        if place is None:
            return False
        self._name(call.begun, call.done, place[0], (place[1], None))
        return True

    # -- bytes -------------------------------------------------------------------------------------------------------

    def _change(self, file: File, call: Call, at: int, data: bytes | None) -> None:
        file.changes.append(_Change(call.begun, call.done, at, data))
        file.size = at if data is None else max(file.size, at + len(data))

    def _on_write(self, call: Call) -> bool:
        held = self._handle(call)
        if held is None or call.handle is None:
            return False
        node, at, append = held
        if not isinstance(node, File):
            raise Unexplained(f"line {call.begun}: a write to a directory")
        if append:
            at = node.size
        data = b"".join(call.texts)[: call.result]
        self._change(node, call, at, data)
        self._open[self._descriptor(call.handle)] = (node, at + len(data), append)
        return True

    _on_writev = _on_write

    def _on_pwrite64(self, call: Call) -> bool:
        held = self._handle(call)
        if held is None:
            return False
        if not isinstance(held[0], File):
            raise Unexplained(f"line {call.begun}: a write to a directory")
        self._change(held[0], call, int(call.words.rpartition(" ")[2]), call.texts[0][: call.result])
        return True

    def _on_ftruncate(self, call: Call) -> bool:
        held = self._handle(call)
        if held is None:
            return False
        if not isinstance(held[0], File):
            raise Unexplained(f"line {call.begun}: a directory cut to length")
        self._change(held[0], call, int(call.words.rpartition(" ")[2]), None)
        return True

    def _on_fsync(self, call: Call) -> bool:
        held = self._handle(call)
        if held is None:
            return False
        node = held[0]
        if isinstance(node, File):
            for change in node.changes:
                if change.safe == NEVER and change.done < call.begun:
                    change.safe = call.done
        else:
            for naming in self._names:
                if naming.directory is node and naming.safe == NEVER and naming.done < call.begun:
                    naming.safe = call.done
        return True

    _on_fdatasync = _on_fsync

    # -- the power fails -------------------------------------------------------------------------------------------

    def after(self, cut: int, loss: Loss, rng: random.Random) -> dict[str, tuple[int, bytes | None]]:
        """Path, mode and bytes (None: a directory) of all that the disk holds, if the power fails at `cut`.

        Shared memory is there or not, and holds anything.
        """
        names: dict[Directory, dict[str, Node]] = {self.root: {}}
        happened: set[_Naming] = set()
        for naming in self._names:
            if naming.begun >= cut or not (naming.safe < cut or _kept(loss, rng)):
                continue
            if naming.after is None or naming.after in happened:
                happened.add(naming)
                there = names.setdefault(naming.directory, {})
                for name, node in naming.sets:
                    if node is None:
                        there.pop(name, None)
                    else:
                        there[name] = node
        return dict(self._walk(self.root, "", names, (cut, loss, rng)))

    def _walk(
        self,
        directory: Directory,
        prefix: str,
        names: dict[Directory, dict[str, Node]],
        how: tuple[int, Loss, random.Random],
    ) -> Iterator[tuple[str, tuple[int, bytes | None]]]:
        for name, node in names.get(directory, {}).items():
            path = prefix + name
            if isinstance(node, Directory):
                yield path, (0o755, None)
                yield from self._walk(node, path + "/", names, how)
            elif not node.memory:
                yield path, (node.mode, _bytes(node, *how))
            elif (kind := how[2].randrange(3)) > 0:
                yield path, (node.mode, b"" if kind == 1 else how[2].randbytes(32768))

    def now(self) -> dict[str, bytes]:
        """Every file as the program left it; to be held against the real one, so that nothing went unseen."""
        found = self.after(NEVER, Loss.NOTHING, random.Random(0))
        return {
            path: data for path, (_, data) in found.items() if data is not None and not path.endswith(_SHARED_MEMORY)
        }


def _kept(loss: Loss, rng: random.Random) -> bool:
    return loss is Loss.NOTHING or (loss is not Loss.EVERYTHING and rng.random() < 0.5)


def _bytes(file: File, cut: int, loss: Loss, rng: random.Random) -> bytes:
    held = bytearray()
    for change in file.changes:
        if change.begun >= cut:
            break
        if change.safe < cut:
            _apply(held, change.at, change.data)
        elif loss is Loss.TORN and change.data is not None:
            for start, piece in _sectors(change.at, change.data):
                if rng.random() < 0.5:
                    _apply(held, start, piece)
        elif _kept(loss, rng):
            _apply(held, change.at, change.data)
    return bytes(held)


def _sectors(at: int, data: bytes) -> Iterable[tuple[int, bytes]]:
    start = at
    while start < at + len(data):
        end = min((start // SECTOR + 1) * SECTOR, at + len(data))
        yield start, data[start - at : end - at]
        start = end


def _apply(held: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        del held[at:]
        held.extend(bytes(at - len(held)))
        return
    if at > len(held):
        held.extend(bytes(at - len(held)))
    held[at : at + len(data)] = data


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
