"""The catalogue, decoded once for everybody who reads it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ewarung_pos.domain.catalogue import Catalogue

__all__ = ["CatalogueCache"]

Execute = Callable[..., Any]

_CATALOGUE = msgspec.json.Decoder(Catalogue)


class CatalogueCache:
    """The catalogue as last decoded, known by the entry that set it; shared by the writer and all readers."""

    def __init__(self) -> None:
        self._held: tuple[str, Catalogue] = ("", Catalogue())

    def held(self, set_by: str) -> Catalogue | None:
        """The one that this entry set, if it is the one at hand."""
        held, catalogue = self._held
        return catalogue if held == set_by else None

    def load(self, execute: Execute) -> Catalogue:
        """The one that this connection sees."""
        set_by, body = execute("SELECT set_by, body FROM reference WHERE name = 'catalogue'").fetchone()
        catalogue = _CATALOGUE.decode(body)
        self._held = (set_by, catalogue)
        return catalogue
