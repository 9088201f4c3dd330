"""The log: rotating files, one JSON object a line, with anything that looks like a card number or a NIK blanked."""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import re
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType

__all__ = ["redact", "redact_crashes", "start_log"]

_ROOT = "ewarung_pos"

_TRACK = re.compile(r"[;%]?B?\d{12,19}(?:[=D]\d[\d=]*|\^[^?\n]{0,80})\??")
_HASH = re.compile(
    r"(?<![0-9a-z])(?:"
    r"(?=[0-9a-f]*[a-f])(?:[0-9a-f]{128}|[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r")(?![0-9a-z])",
    re.IGNORECASE,
)
_NO_HASH = re.compile(r"[a-f]*\d{13,}[a-f]*|\d{12,19}d\d+f*", re.IGNORECASE)
"""A number, or a chip's track, among as many letters as a hash is long; a hash has digits in many places."""

_GAP = r"""(?:
    (?: \s | \\+[nrtvf] | \\+x[0-9a-f]{2} | \\+u[0-9a-f]{4} ){1,2}    # also as `repr` writes them
  | [./_,\-\u2010-\u2015\u2212]
  | \s[\-\u2010-\u2015\u2212]\s
)"""
_DIGITS = re.compile(rf"\d(?:{_GAP}?\d){{12,}}", re.VERBOSE)


def redact(text: str) -> str:
    """Blank track data and runs of 13 digits or more (card numbers, NIK, No. KK), keeping their last four.

    Digits may be of any script, and apart by what people and programs put between groups of them. A comma and a space
    are none of that: so a log names places and amounts. Chain hashes and identifiers are left alone, or the log could
    not be compared with the ledger. Takes time in proportion to the text.
    """
    text = _TRACK.sub("[track]", text)
    said, at = [], 0
    for found in _HASH.finditer(text):
        if not _NO_HASH.fullmatch(found.group().replace("-", "")):
            said += [_blanked(text[at : found.start()]), found.group()]
            at = found.end()
    return "".join((*said, _blanked(text[at:])))


def _blanked(text: str) -> str:
    return _DIGITS.sub(lambda found: "[####" + _last_four(found.group()) + "]", text)


def _last_four(number: str) -> str:
    return "".join(re.findall(r"\d", re.sub(r"\\+(?:x..|u....)", "", number)))[-4:]


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "ms": int(record.created * 1000),
            "level": record.levelname,
            "lane": record.threadName,
            "source": record.name,
            "text": redact(record.getMessage()),
        }
        if record.exc_info:
            line["trace"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class _TillLog(logging.handlers.RotatingFileHandler):
    """Closing it leaves the logger as it was found: a record after that would open the file again."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """A log that cannot be written (a full disk) must not print over what the program has to say."""

    def close(self) -> None:
        root = logging.getLogger(_ROOT)
        root.removeHandler(self)
        root.propagate = True
        root.setLevel(logging.NOTSET)
        with contextlib.suppress(OSError):  # what a full disk had no room for
            super().close()


def start_log(folder: Path, level: int = logging.INFO) -> logging.Handler:
    """Log into `folder`/till.log (5 files of 1 MB) and nowhere else; returns the handler, which the caller closes.

    A library that logs through the root logger gives it a handler that writes to the terminal; our lines stay away
    from it, or they would stand between those that a person is to read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handler = _TillLog(folder / "till.log", maxBytes=1_000_000, backupCount=4, encoding="utf-8")
    handler.setFormatter(_JsonLines())
    root = logging.getLogger(_ROOT)
    root.addHandler(handler)
    root.propagate = False
    root.setLevel(level)
    return handler


def redact_crashes() -> None:
    """From now on a bug's traceback on standard error is redacted, in every thread: its message may hold anything."""
    sys.excepthook = _tell_bug
    threading.excepthook = lambda bug: _tell_bug(bug.exc_type, bug.exc_value, bug.exc_traceback)


def _tell_bug(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    sys.stderr.write(redact("".join(traceback.format_exception(kind, error, trace))))
