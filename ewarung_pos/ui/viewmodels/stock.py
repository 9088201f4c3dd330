"""Stok: what is on the shelf, and *Terima barang*."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from ewarung_pos.domain.business_day import Day
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.domain.units import Rupiah, Unit, dotted
from ewarung_pos.errors import PosError
from ewarung_pos.ports import Lane, Ledger, TaskRunner
from ewarung_pos.services.stock import StockService
from ewarung_pos.ui.text import Trouble, trouble_of
from ewarung_pos.ui.viewmodels.base import ViewModel

__all__ = ["StockRow", "StockState", "StockViewModel"]


class StockRow(msgspec.Struct, frozen=True):
    """One product: packs on the shelf, price and ceiling of a pack (empty without one), and packs being received.

    `on_hand` is None and `content` empty while the shelf is counted without looking at the book.
    """

    product: str
    name: str
    pictogram: str
    pack: str
    on_hand: int | None
    content: str
    price: str
    ceiling: str
    over_ceiling: bool
    receiving: int = 0


class StockState(msgspec.Struct, frozen=True):
    """`mode` is shelf or receive; `read` once the ledger has answered.

    `asks` the delivery in one sentence, to be confirmed before it is recorded. `closing` while Tutup Hari is under way,
    `blind` until its count is recorded.
    """

    mode: str = "shelf"
    read: bool = False
    closing: bool = False
    blind: bool = False
    rows: tuple[StockRow, ...] = ()
    supplier: str = ""
    note: str = ""
    can_receive: bool = False
    asks: str = ""
    said: str = ""
    notice: Trouble | None = None


class StockViewModel(ViewModel[StockState]):
    """Commands of Stok."""

    def __init__(
        self,
        ledger: Ledger,
        stock: StockService,
        runner: TaskRunner,
        operator: Callable[[], str],
        changed: Callable[[], None],
    ) -> None:
        super().__init__(StockState())
        self._ledger = ledger
        self._stock = stock
        self._runner = runner
        self._operator = operator
        self._changed = changed

    @property
    def half_entered(self) -> bool:
        """Whether a delivery is being entered."""
        state = self._state
        return state.mode == "receive" and bool(state.supplier or state.note or any(r.receiving for r in state.rows))

    def activate(self) -> None:
        """Read the shelf again; a delivery half entered stays."""

        def look() -> tuple[Catalogue, dict[str, int], Day]:
            reader = self._ledger.read()
            return reader.catalogue(), dict(reader.stock()), reader.day()

        self._runner.submit(Lane.LEDGER, look, self._looked, self._failed)

    def _looked(self, found: tuple[Catalogue, dict[str, int], Day]) -> None:
        catalogue, shelf, day = found
        date = day.date.iso if day.date is not None else ""
        typed = {row.product: row.receiving for row in self._state.rows}
        rows = tuple(_row(catalogue, code, shelf, date, typed.get(code, 0)) for code in _codes(catalogue))
        if day.counting:
            rows = tuple(replace(row, on_hand=None, content="") for row in rows)
        self._set(replace(self._state, read=True, rows=rows, closing=day.closing, blind=day.counting))

    def begin_receiving(self) -> None:
        """*Terima barang*: an empty delivery."""
        self._set(
            replace(
                self._state,
                mode="receive",
                supplier="",
                note="",
                said="",
                notice=None,
                rows=tuple(replace(row, receiving=0) for row in self._state.rows),
                can_receive=False,
                asks="",
            )
        )

    def describe(self, supplier: str, note: str) -> None:
        """Who delivered, and the number of the delivery note."""
        self._set(self._checked(replace(self._state, supplier=supplier, note=note)))

    def set_receiving(self, product: str, packs: int) -> None:
        """So many packs of this product came."""
        rows = tuple(
            replace(row, receiving=max(0, packs)) if row.product == product else row for row in self._state.rows
        )
        self._set(self._checked(replace(self._state, rows=rows)))

    @staticmethod
    def _checked(state: StockState) -> StockState:
        ready = bool(state.supplier.strip()) and any(row.receiving for row in state.rows)
        return replace(state, can_receive=ready, asks="")

    def receive(self) -> None:
        """*Catat barang masuk*: said once more, and recorded at the second press; a change in between asks again."""
        state = self._state
        if not state.can_receive or state.mode != "receive":
            return
        lines = tuple(ReceivedLine(row.product, row.receiving) for row in state.rows if row.receiving)
        packs = sum(line.packs for line in lines)
        if not state.asks:
            self._set(replace(state, asks=f"{dotted(packs)} kemasan dari {state.supplier.strip()}: catat?"))
            return
        self._set(replace(state, can_receive=False))

        def done(entry: object) -> None:
            self._set(
                replace(
                    self._state,
                    mode="shelf",
                    asks="",
                    said=f"{dotted(packs)} kemasan dari {state.supplier.strip()} sudah dicatat.",
                    rows=tuple(replace(row, receiving=0) for row in self._state.rows),
                )
            )
            self._changed()
            self.activate()

        self._runner.submit(
            Lane.LEDGER,
            lambda: self._stock.receive(state.supplier, state.note, lines, self._operator()),
            done,
            self._failed,
        )

    def back(self) -> None:
        """Back to the delivery that is asked about; else leave it."""
        if self._state.asks:
            self._set(self._checked(self._state))
        else:
            self._set(replace(self._state, mode="shelf", notice=None))

    def dismiss(self) -> None:
        """The notice was read."""
        self._set(replace(self._state, notice=None, said=""))

    def _failed(self, error: Exception) -> None:
        self._set(self._checked(replace(self._state, notice=trouble_of(error))))
        if not isinstance(error, PosError):
            raise error


def _codes(catalogue: Catalogue) -> tuple[str, ...]:
    return tuple(product.code for product in catalogue.products)


def _row(catalogue: Catalogue, code: str, shelf: dict[str, int], date: str, receiving: int) -> StockRow:
    from ewarung_pos.domain.timeline import BusinessDate

    product = catalogue.product(code)
    packs = shelf.get(code, 0)
    limit = catalogue.ceiling(product, BusinessDate(date)) if date else None
    kind = "HET" if limit is not None and limit.binding else "acuan"
    per = 1 if product.pack.unit is Unit.PIECE else 1000
    # For the pack, beside the pack's own price: a limit per kg says nothing beside a price per sack.
    for_pack = Rupiah(limit.price.amount * product.pack.amount // per) if limit is not None else None
    return StockRow(
        product=code,
        name=product.name,
        pictogram=catalogue.commodity(product.commodity).pictogram,
        pack=f"{product.pack_word} {product.pack}",
        on_hand=packs,
        content=str(product.pack * packs),
        price=str(product.price),
        ceiling=f"{kind} {for_pack}" if for_pack is not None else "",
        over_ceiling=bool(date) and catalogue.over_ceiling(product, BusinessDate(date)),
        receiving=receiving,
    )
