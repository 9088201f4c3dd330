"""Which directory is this kiosk's, and what it is configured to be."""

from __future__ import annotations

from pathlib import Path

from ewarung_pos.config import KioskConfig, load_config
from ewarung_pos.errors import ConfigError
from ewarung_pos.ledger.engine import LEDGER_FILE

__all__ = ["configuration", "data_directory", "ledger_directory"]


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
