"""The support bundle: what somebody far away needs to find a fault, and nothing that leads to a person."""

from __future__ import annotations

import json
import os
import platform
import stat
import sys
import zipfile
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from ewarung_pos import __version__
from ewarung_pos.config import KioskConfig
from ewarung_pos.diagnostics import redact
from ewarung_pos.errors import ConfigError, PosError
from ewarung_pos.kiosk.directory import configuration
from ewarung_pos.kiosk.passphrase import person
from ewarung_pos.ledger.engine import SQLITE_VERSION

__all__ = ["write_bundle"]

_PACKAGES = (
    "alembic", "argon2-cffi", "cryptography", "msgspec", "pyserial", "pyside6-essentials", "python-escpos", "reportlab",
    "requests", "sqlalchemy", "sqlcipher3", "websockets",
)  # fmt: skip


def write_bundle(data_dir: str | None, found: list[dict[str, str]], file: Path) -> tuple[str, ...]:
    """Write logs, the doctor's findings, versions, configuration, and the ledger's anatomy into a ZIP file.

    No row of the register or the journal goes in. Every text is redacted once more on its way.

    Args:
        data_dir: the command's option.
        found: what `doctor` found.
        file: the ZIP file; replaced if it is there.

    Returns:
        Names of the parts.

    Raises:
        OSError: it cannot be written.
    """
    parts: dict[str, str] = {"doctor.json": _json(found), "versions.json": _json(_versions())}
    try:
        config, folder = configuration(data_dir)
    except ConfigError as error:
        parts["config.json"] = _json({"error": str(error)})
    else:
        parts["config.json"] = _json(_without_secrets(config))
        parts["files.json"] = _json(_files(folder))
        parts["ledger.json"] = _json(_ledger(folder))
        for log in sorted((folder / "log").glob("*.log*")):
            with suppress(FileNotFoundError):  # it took the next name meanwhile
                parts[f"log/{log.name}"] = redact(log.read_text(encoding="utf-8", errors="replace"))
    draft = file.with_name(file.name + ".part")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in parts.items():
            bundle.writestr(name, text)
    draft.replace(file)
    return tuple(parts)


def _json(value: object) -> str:
    return json.dumps(_redacted(value), ensure_ascii=False, indent=1, sort_keys=True)


def _redacted(value: object) -> object:
    match value:
        case str():
            return redact(value)
        case dict():
            return {name: _redacted(held) for name, held in value.items()}
        case list() | tuple():
            return [_redacted(held) for held in value]
        case _:
            return value


def _versions() -> dict[str, Any]:
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            packages[name] = "-"
    return {
        "ewarung-pos": __version__,
        "python": sys.version,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "sqlite": SQLITE_VERSION,
        "packages": packages,
    }


def _without_secrets(config: KioskConfig) -> dict[str, Any]:
    """The configuration holds no keys; an address may hold a name and a password."""
    told: dict[str, Any] = msgspec.to_builtins(config)
    told["payment_terminal"]["url"] = _bare(config.payment_terminal.url)
    told["city"]["url"] = _bare(config.city.url)
    for section in ("card_reader", "payment_terminal", "receipt_printer"):
        told[section]["port"] = _bare(told[section]["port"])
    return told


def _bare(url: str) -> str:
    if "://" not in url:
        return url
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _files(folder: Path) -> list[dict[str, Any]]:
    """Beside a till that serves: what goes while this looks (a log that was brought home, a draft) is left out."""
    told: list[dict[str, Any]] = []
    for place, _, names in os.walk(folder):
        for path in (Path(place, name) for name in names):
            with suppress(OSError):
                found = path.stat()
                if stat.S_ISREG(found.st_mode):
                    name = str(path.relative_to(folder))
                    told.append({"name": name, "bytes": found.st_size, "changed": int(found.st_mtime)})
    return sorted(told, key=lambda file: str(file["name"]))


def _ledger(folder: Path) -> dict[str, Any]:
    from ewarung_pos.ledger.anatomy import anatomy

    try:
        return anatomy(folder, person())
    except PosError as error:
        return {"error": error.code, "reason": error.reason}
