"""Which directory is this kiosk's, and what it is configured to be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ewarung_pos.config import KioskConfig, load_config
from ewarung_pos.errors import ConfigError, LedgerKeyWrong
from ewarung_pos.ledger.engine import LEDGER_FILE, may_be_ledger
from ewarung_pos.ledger.keys import held_tier

__all__ = [
    "check_may_be_ledger",
    "configuration",
    "data_directory",
    "key_directory",
    "kiosk_directory",
    "ledger_directory",
    "of_this_kiosk",
]


def data_directory(given: str | None, config: KioskConfig | None = None) -> Path:
    """Where this kiosk's data lives: the command's option, the configuration, or the platform's own place."""
    if given:
        return Path(given)
    if config is not None and config.paths.data:
        return Path(config.paths.data)
    from platformdirs import user_data_path

    return user_data_path("ewarung-pos", appauthor=False)


def configuration(data_dir: str | None) -> tuple[KioskConfig, Path]:
    """The configuration of a data directory, and where its data is.

    Raises:
        ConfigError: names the key and what was expected.
    """
    folder = data_directory(data_dir)
    config = load_config(folder / "config.toml")
    return config, data_directory(data_dir, config)


def ledger_directory(data_dir: str | None) -> tuple[KioskConfig, Path]:
    """As `configuration`, of a kiosk that is enrolled.

    Raises:
        ConfigError: as there, or there is no ledger (`no_ledger`).
    """
    config, folder = configuration(data_dir)
    if not (folder / LEDGER_FILE).exists():
        raise ConfigError(f"tidak ada buku catatan di {folder}", reason="no_ledger")
    return config, folder


def kiosk_directory(data_dir: str | None) -> tuple[KioskConfig, Path]:
    """As `configuration`, for a command that needs the ledger of a kiosk.

    Raises:
        ConfigError: as there, or there is no ledger (`no_kiosk`): before anybody looks for a key or asks for one.
    """
    config, folder = configuration(data_dir)
    if not (folder / LEDGER_FILE).exists():
        raise ConfigError(f"{folder}", reason="no_kiosk")
    return config, folder


def key_directory(data_dir: str | None) -> tuple[KioskConfig, Path]:
    """As `configuration`, for a command that needs the key of a kiosk: its ledger may be lost.

    Raises:
        ConfigError: as there, or there is neither ledger nor key (`no_kiosk_nor_key`).
    """
    config, folder = configuration(data_dir)
    if held_tier(folder) is None and not (folder / LEDGER_FILE).exists():
        raise ConfigError(f"{folder}", reason="no_kiosk_nor_key")
    return config, folder


def check_may_be_ledger(file: Path) -> None:
    """For a file that somebody named, before anybody looks for its key.

    Raises:
        ConfigError: it cannot be a ledger (`not_a_ledger`).
    """
    if not may_be_ledger(file):
        raise ConfigError(f"{file}", reason="not_a_ledger")


@contextmanager
def of_this_kiosk(file: Path) -> Iterator[None]:
    """Around the opening of such a file with the kiosk's key: that it does not open is the file's matter.

    Raises:
        ConfigError: as `check_may_be_ledger`.
        LedgerKeyWrong: the key does not open it (`other_file`).
    """
    check_may_be_ledger(file)
    try:
        yield
    except LedgerKeyWrong as error:
        if error.reason:
            raise
        raise LedgerKeyWrong(f"{file}", reason="other_file") from error
