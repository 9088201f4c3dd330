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
_TOKEN = re.compile(r"[0-9A-Fa-f][0-9A-Fa-f .-]*[0-9A-Fa-f]")
_HASH = re.compile(
    r"(?=[0-9a-f]*[a-f])(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d(?:[ .-]?\d){12,}")


def redact(text: str) -> str:
    """Blank track data and runs of 13 digits or more (card numbers, NIK, No. KK), keeping their last four.

    Chain hashes and identifiers are left alone, or the log could not be compared with the ledger.
    """
    return _TOKEN.sub(_blank, _TRACK.sub("[track]", text))


def _blank(token: re.Match[str]) -> str:
    words = token.group().split(" ")
    if any(_HASH.fullmatch(word) for word in words):
        return " ".join(word if _HASH.fullmatch(word) else _blanked(word) for word in words)
    return _blanked(token.group())


def _blanked(text: str) -> str:
    return _DIGITS.sub(lambda found: "[####" + re.sub(r"\D", "", found.group())[-4:] + "]", text)


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
