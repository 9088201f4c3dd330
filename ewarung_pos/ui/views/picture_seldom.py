"""The scenes of `pictures` that are seldom seen: faults, power cuts, doubts of another kind, narrow windows."""

from __future__ import annotations

from msgspec.structs import replace
from PySide6.QtWidgets import QWidget

from ewarung_pos.ui.text import trouble
from ewarung_pos.ui.text_copies import SAME_DISK
from ewarung_pos.ui.viewmodels.closing_copy import COPYING, CopyState
from ewarung_pos.ui.viewmodels.counter_state import CounterState, Phase
from ewarung_pos.ui.viewmodels.doubt import DoubtState
from ewarung_pos.ui.viewmodels.shell import LampState
from ewarung_pos.ui.viewmodels.typed_card import ODD, TypedCardState
from ewarung_pos.ui.views.picture_books import (
    CLOCK,
    COPIED,
    COUNTING,
    DIFFERS,
    EXPLAIN,
    HISTORY,
    MORNING,
    RECEIVING,
    SEAL,
    SEALED,
    STOCK,
)
from ewarung_pos.ui.views.picture_counter import CASH, CHOSEN, DOUBT, READY, SUMINAH
from ewarung_pos.ui.views.picture_hands import ask_the_leader, choose_siti, slip_other, type_number
from ewarung_pos.ui.views.picture_stage import OUT, SHELL, Scene, Shows, at_counter, on, till_window
from ewarung_pos.ui.views.picture_tray import TRAY, on_tray
from ewarung_pos.ui.views.tray_edc import TrayShape

__all__ = ["SELDOM"]

_CHIP = replace(SHELL, lamps=(LampState("credit-card", "Periksa chip", "look", "counter", "Chip"), *SHELL.lamps[1:]))
_TROUBLED = replace(
    SHELL,
    operator_name="Bu Kartini",
    lamps=(
        LampState("credit-card", "Periksa chip", "look", "counter", "Chip"),
        LampState("printer", "Kertas tinggal sedikit", "look", "history"),
        LampState("cloud-upload", "1.234 belum terkirim", "look", "sync"),
    ),
)
_NO_READER = replace(
    SHELL, lamps=(LampState("credit-card", "Tanpa pembaca", "info", "counter", "Kartu"), *SHELL.lamps[1:])
)
_MISMATCH = replace(
    DOUBT,
    asking=False,
    trouble=trouble("doubt.mismatch"),
    named="EDC menyebut kartu •••• 1190, Rp87.000, invoice 000123",
    slip=("1190", "004512", "000123"),
)
_TYPED = TypedCardState(mode="number", reason="kartu_rusak", ready=True)


def _faulted() -> QWidget:
    window, _ = till_window()
    window.show_fault()
    return window


def _passphrase() -> QWidget:
    from ewarung_pos.ui.views.passphrase import PassphraseWindow

    window = PassphraseWindow()
    window.wrong.show()
    return window


_BEFORE_THE_END = (
    "Struk 0047 SUMINAH (Beras 10 kg, Telur 1 kg); Struk 0048 SRI WAHYUNI (Beras 5 kg); "
    "Struk 0049 TUKINAH (Gula 1 kg); dan 2 struk lain, lihat Riwayat: "
    "tercatat sebelum komputer mati; serahkan barang bila belum."
)

SELDOM: tuple[Scene, ...] = (
    Scene("kesalahan-program", _faulted),
    Scene("masuk-terkunci", Shows(shell=replace(OUT, locked=frozenset({"S1"}))), choose_siti),
    Scene("masuk-buka-kunci", Shows(shell=replace(OUT, locked=frozenset({"S1"}))), ask_the_leader),
    Scene("kata-sandi", _passphrase, size=(480, 360)),
    at_counter("siap-sesudah-mati", READY, replace(SHELL, recovered=_BEFORE_THE_END)),
    Scene("buka-hari-jam", Shows(shell=on("day"), day=CLOCK)),
    Scene("buka-hari-jam-ketua", Shows(shell=on("day"), day=replace(CLOCK, asks_leader=True))),
    Scene(
        "buka-hari-tanggal",
        Shows(shell=on("day"), day=replace(MORNING, notice=trouble("clock_suspect", "date_unsure"))),
    ),
    Scene(
        "tutup-salinan-sedisk",
        Shows(
            shell=on("closing"),
            closing=SEALED,
            copy=CopyState(f"{COPIED} /var/lib/ewarung-pos/backup. {SAME_DISK}", same_disk=True),
        ),
    ),
    Scene("tutup-menyalin", Shows(shell=on("closing"), closing=SEALED, copy=CopyState(COPYING))),
    Scene(
        "tutup-tanpa-salinan",
        Shows(shell=on("closing"), closing=SEALED, copy=CopyState(trouble=trouble("config", "backup_dir"))),
    ),
    *(
        at_counter(f"pergi-{name}", CHOSEN, replace(SHELL, asks=trouble("leave", reason)))
        for name, reason in (
            ("ganti-petugas", "sign_out"),
            ("tutup-kasir", "close"),
            ("saat-membayar", "close_paying"),
        )
    ),
    Scene(
        "belum-pasti-tidak-cocok",
        Shows(doubt=DoubtState(_MISMATCH, 1)),
    ),
    Scene(
        "belum-pasti-struk-lain",
        Shows(doubt=DoubtState(replace(_MISMATCH, slip_form=True), 1)),
        slip_other,
    ),
    at_counter(
        "belum-pasti-bukan-ini",
        CounterState(phase=Phase.REFUSED, refusal=trouble("edc.other_debit"), person=SUMINAH),
    ),
    at_counter("siap-chip", replace(READY, reader=trouble("card_not_read", "removed")), _CHIP),
    Scene("ketik-nomor", Shows(typed=_TYPED), type_number),
    Scene("ketik-nomor-ragu", Shows(typed=replace(_TYPED, warning=ODD)), type_number),
    Scene("ketik-nomor-ketua", Shows(typed=replace(_TYPED, mode="pin", last4="4821"))),
    Scene(
        "stok-sedang-dihitung",
        Shows(
            shell=on("stock"),
            stock=replace(
                STOCK,
                rows=tuple(replace(row, on_hand=None, content="") for row in STOCK.rows),
                closing=True,
                blind=True,
            ),
        ),
    ),
    Scene(
        "tutup-segel-ditolak",
        Shows(
            shell=on("closing"),
            closing=replace(
                DIFFERS,
                can_go_on=True,
                explanation="Bu Suminah belum membayar",
                notice=trouble("not_entitled", "text_name"),
            ),
        ),
    ),
    Scene("latihan-edc-sempit", on_tray(TRAY, TrayShape.NARROW), size=(224, 578)),
    Scene(
        "latihan-edc-rendah",
        on_tray(replace(TRAY, behaviour="lose_answer", slip=None), TrayShape.SPREAD),
        size=(448, 380),
    ),
    Scene(
        "latihan-edc-sempit-jauh",
        on_tray(
            replace(TRAY, display=(), asks_pin=False, slip=None, inserted="", away=trouble("device_unavailable")),
            TrayShape.NARROW,
        ),
        size=(224, 560),
    ),
    at_counter("siap-sedang-tutup", CounterState(day_open=False, day_closing=True)),
    at_counter("siap-sudah-tutup", CounterState(day_open=False, day_sealed=True)),
    at_counter(
        "ditolak-sedang-tutup",
        CounterState(phase=Phase.REFUSED, refusal=trouble("refusal.day_closing"), day_open=False, day_closing=True),
    ),
    Scene(
        "buka-hari-sedang-tutup",
        Shows(shell=on("day"), day=replace(MORNING, already=True, closing=True, can_open=False)),
    ),
    at_counter("selesai-tunai", CounterState(phase=Phase.DONE, done=CASH)),
    Scene(
        "riwayat-dibatalkan",
        Shows(
            shell=on("history"),
            history=replace(
                HISTORY,
                read=True,
                said="Dibatalkan. Barang tercatat kembali di rak. Kembalikan tunai Rp1.015.700. "
                "Struk pembatalan nomor 0035.",
            ),
        ),
    ),
    Scene(
        "pergi-barang-masuk",
        Shows(shell=replace(on("stock"), asks=trouble("leave", "close_delivery")), stock=RECEIVING),
    ),
    Scene(
        "pergi-hitungan",
        Shows(shell=replace(on("closing"), asks=trouble("leave", "close_count")), closing=COUNTING),
    ),
    Scene(
        "tutup-segel-edc-diam",
        Shows(shell=on("closing"), closing=replace(SEAL, edc_asked=True, edc_silent=True, edc_total="tidak ada data")),
    ),
    at_counter("siap-tanpa-pembaca", replace(READY, reader=trouble("device_unavailable.not_configured")), _NO_READER),
    at_counter("siap-lampu-latihan", READY, replace(_TROUBLED, practice=True)),
    Scene(
        "tutup-jelaskan-latihan",
        Shows(shell=replace(_TROUBLED, practice=True, screen="closing"), closing=replace(EXPLAIN, can_go_on=True)),
    ),
    Scene("masuk-tanpa-pembuka", Shows(shell=replace(OUT, locked=frozenset({"S1"}), openable=False)), choose_siti),
)
"""After the day, in the order in which they were added: a picture keeps its number."""
