"""The scenes of `pictures`: one for each thing a screen can say."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from msgspec.structs import replace
from PySide6.QtWidgets import QWidget

from ewarung_pos.ui.text import trouble
from ewarung_pos.ui.text_copies import SAME_DISK
from ewarung_pos.ui.viewmodels.closing_copy import COPYING, CopyState
from ewarung_pos.ui.viewmodels.closing_state import ClosingState
from ewarung_pos.ui.viewmodels.counter_state import CounterState, Phase
from ewarung_pos.ui.viewmodels.doubt import DoubtState
from ewarung_pos.ui.viewmodels.shell import LampState
from ewarung_pos.ui.viewmodels.tray import TraySlip, TrayState, TrayViewModel
from ewarung_pos.ui.viewmodels.typed_card import ODD, TypedCardState
from ewarung_pos.ui.views.picture_books import (
    CLOCK,
    COPIED,
    COUNTING,
    DIFFERS,
    EXPLAIN,
    HISTORY,
    MORNING,
    RECEIPT,
    RECEIVING,
    SEAL,
    SEALED,
    SENDING,
    STOCK,
    SYNC,
)
from ewarung_pos.ui.views.picture_counter import (
    CASH,
    CHOSEN,
    DONE,
    DOUBT,
    KNOWN,
    MANY,
    PROCESSING,
    PURSE,
    READY,
    REFUSALS,
    SUMINAH,
)
from ewarung_pos.ui.views.picture_papers import PAPER
from ewarung_pos.ui.views.picture_stage import (
    AWAY,
    OUT,
    SHELL,
    Scene,
    Still,
    after_the_seal,
    at_counter,
    on,
    shows,
    till_window,
)
from ewarung_pos.ui.views.tray import TrayView
from ewarung_pos.ui.views.tray_edc import TrayShape

__all__ = ["SCENES"]

_TRAY = TrayState(
    cards=(
        ("1", "SUMINAH · **** 4821 · KKS"),
        ("2", "NGATINI · **** 1190"),
        ("3", "SRI WAHYUNI · **** 7745"),
        ("4", "KASMI · **** 3302"),
        ("5", "TUMINAH · **** 9011"),
        ("6", "Kartu asing"),
    ),
    inserted="1",
    display=("EDC SIMULASI", "Rp83.200", "MASUKKAN PIN ***"),
    asks_pin=True,
    slip=TraySlip("SALE Rp58.000 •••• 4821", "APPR 004512 · INV 000123", "000123", voidable=True),
)


_CHIP = replace(
    SHELL, lamps=(LampState("credit-card", "Chip perlu dilihat", "look", "counter", "Chip"), *SHELL.lamps[1:])
)
_TROUBLED = replace(
    SHELL,
    operator_name="Bu Kartini",
    lamps=(
        LampState("credit-card", "Chip perlu dilihat", "look", "counter", "Chip"),
        LampState("printer", "Kertas tinggal sedikit", "look", "history"),
        LampState("cloud-upload", "1.234 belum terkirim", "look", "sync"),
    ),
)
_MISMATCH = replace(
    DOUBT,
    asking=False,
    trouble=trouble("doubt.mismatch"),
    named="EDC menyebut kartu •••• 1190, Rp95.500, invoice 000123",
    slip=("1190", "004512", "000123"),
)
_TYPED = TypedCardState(mode="number", reason="kartu_rusak", ready=True)


def _tray(state: TrayState, shape: TrayShape = TrayShape.WIDE) -> Callable[[], QWidget]:
    def build() -> QWidget:
        view = TrayView(cast("TrayViewModel", Still(state)), shape)
        view.render_state(state)
        return view

    return build


def _faulted() -> QWidget:
    window, _ = till_window()
    window.show_fault()
    return window


def _leader_pin(widget: QWidget) -> None:
    """Press on to the leader's PIN."""
    from ewarung_pos.ui.views.closing import ClosingView
    from ewarung_pos.ui.views.doubt import SlipForm

    for form in widget.findChildren(SlipForm):
        if form.isVisible():
            form.go_on.click()
    for closing in widget.findChildren(ClosingView):
        closing.sheet.go_on.click()


def _slip_paid(widget: QWidget) -> None:
    from ewarung_pos.ui.views.doubt import SlipForm

    for form in widget.findChildren(SlipForm):
        form.choose("paid")
        form.last4.setText("4821")
        form.approval.setText("004512")
        form.invoice.setText("000123")


def _slip_other(widget: QWidget) -> None:
    from ewarung_pos.ui.views.doubt import SlipForm

    for form in widget.findChildren(SlipForm):
        form.choose("voided")


def _type_number(widget: QWidget) -> None:
    from ewarung_pos.ui.views.typed_card import TypedCardView

    for view in widget.findChildren(TypedCardView):
        view.number.field.setText("9999 8425 3882 4821")


def _slip_pin(widget: QWidget) -> None:
    _slip_paid(widget)
    _leader_pin(widget)


def _choose_siti(widget: QWidget) -> None:
    from ewarung_pos.ui.views.sign_in import SignInView

    for view in widget.findChildren(SignInView):
        view.choose("S1")


def _ask_the_leader(widget: QWidget) -> None:
    from ewarung_pos.ui.views.sign_in import SignInView

    _choose_siti(widget)
    for view in widget.findChildren(SignInView):
        view.unlock.click()


def _passphrase() -> QWidget:
    from ewarung_pos.ui.views.passphrase import PassphraseWindow

    window = PassphraseWindow()
    window.wrong.show()
    return window


_HINT = "PIN Bu Siti 123456, Bu Ratna 234567, ketua Bu Kartini 345678."

_BEFORE_THE_END = (
    "Struk 0047 SUMINAH (Beras 10 kg, Telur 1 kg); Struk 0048 SRI WAHYUNI (Beras 5 kg); "
    "Struk 0049 TUKINAH (Gula 1 kg); dan 2 struk lain, lihat Riwayat: "
    "tercatat sebelum kasir mati; serahkan barang bila belum."
)

SCENES: tuple[Scene, ...] = (
    Scene("masuk", shows(shell=OUT)),
    Scene("masuk-nama", shows(shell=OUT), _choose_siti),
    Scene("masuk-pin-salah", shows(shell=replace(OUT, notice=trouble("not_authorised", "wrong_pin"))), _choose_siti),
    Scene("masuk-latihan", shows(shell=replace(OUT, practice=True), practice_hint=_HINT)),
    at_counter("siap", READY),
    at_counter("siap-latihan", READY, replace(SHELL, practice=True)),
    at_counter("siap-edc-jauh", replace(READY, reader=trouble("device_unavailable", "unplugged")), AWAY),
    at_counter("siap-hari-tutup", CounterState(day_open=False)),
    at_counter("siap-belum-pasti", replace(READY, doubts_waiting=1)),
    at_counter("siap-pita", READY, replace(SHELL, banner="Daftar keluarga berumur 8 hari.")),
    at_counter("dicari", replace(READY, phase=Phase.LOOKING)),
    at_counter("kartu", KNOWN),
    at_counter("kartu-jatah", CHOSEN),
    at_counter("kartu-kks", PURSE),
    at_counter("kartu-tunai", replace(PURSE, section="cash", to_pay="KKS Rp83.200 · tunai Rp15.700")),
    at_counter("kartu-latihan", CHOSEN, replace(SHELL, practice=True)),
    at_counter("kartu-kuasa", replace(CHOSEN, presence="kuasa", can_serve=False)),
    at_counter("kartu-kuasa-sakit", replace(CHOSEN, presence="kuasa", proxy_reason="sakit")),
    at_counter("kartu-saldo-kurang", replace(PURSE, notice=trouble("edc.insufficient"))),
    *(
        at_counter(
            f"ditolak-{name.replace('_', '-')}",
            CounterState(
                phase=Phase.REFUSED,
                refusal=trouble(f"refusal.{name}"),
                person=None if name == "unknown_card" else replace(SUMINAH, facts=SUMINAH.facts[:4]),
            ),
        )
        for name in REFUSALS
    ),
    at_counter("proses", PROCESSING),
    at_counter(
        "proses-terkunci",
        replace(
            PROCESSING,
            can_cancel=False,
            why_no_cancel="EDC sudah memegang jumlahnya: batalkan lewat tombol merah di EDC.",
        ),
    ),
    at_counter("selesai", CounterState(phase=Phase.DONE, done=DONE)),
    at_counter("selesai-banyak", CounterState(phase=Phase.DONE, done=MANY)),
    at_counter(
        "selesai-kertas-habis",
        CounterState(
            phase=Phase.DONE,
            done=replace(
                DONE, paper="Struk nomor 0038 belum tercetak", paper_trouble=trouble("printer_not_ready", "paper_out")
            ),
        ),
    ),
    at_counter(
        "struk-di-layar",
        CounterState(
            phase=Phase.DONE,
            done=replace(DONE, paper="Struk nomor 0038 tersimpan sebagai PDF", on_screen=PAPER),
        ),
    ),
    Scene("belum-pasti", shows(doubt=DoubtState(DOUBT, 1))),
    Scene("belum-pasti-tanya", shows(doubt=DoubtState(replace(DOUBT, asking=False, others=1), 2))),
    Scene(
        "belum-pasti-struk",
        shows(doubt=DoubtState(replace(DOUBT, asking=False, trouble=trouble("doubt.no_query"), slip_form=True), 1)),
        _slip_paid,
    ),
    Scene(
        "belum-pasti-pin",
        shows(doubt=DoubtState(replace(DOUBT, asking=False, slip_form=True), 1)),
        _slip_pin,
    ),
    Scene("riwayat", shows(shell=on("history"), history=HISTORY)),
    Scene("riwayat-kosong", shows(shell=on("history"), history=replace(HISTORY, read=True, rows=()))),
    Scene("riwayat-struk", shows(shell=on("history"), history=RECEIPT)),
    Scene(
        "riwayat-salinan",
        shows(shell=on("history"), history=replace(RECEIPT, said="SALINAN ke-1 sudah dicetak.")),
    ),
    Scene("riwayat-printer-mati", shows(shell=on("history"), history=replace(RECEIPT, no_paper=True))),
    Scene("riwayat-alasan", shows(shell=on("history"), history=replace(RECEIPT, mode="reason"))),
    Scene(
        "riwayat-pin",
        shows(
            shell=on("history"),
            history=replace(RECEIPT, mode="pin", reason="jumlah_salah", notice=trouble("not_authorised", "wrong_pin")),
        ),
    ),
    Scene("stok", shows(shell=on("stock"), stock=STOCK)),
    Scene("stok-terima", shows(shell=on("stock"), stock=RECEIVING)),
    Scene(
        "stok-terima-tanya",
        shows(shell=on("stock"), stock=replace(RECEIVING, asks="84 kemasan dari Bulog Semarang: catat?")),
    ),
    Scene(
        "stok-dicatat",
        shows(shell=on("stock"), stock=replace(STOCK, said="84 kemasan dari Bulog Semarang sudah dicatat.")),
    ),
    Scene("buka-hari", shows(shell=on("day"), day=MORNING)),
    Scene("buka-hari-sudah", shows(shell=on("day"), day=replace(MORNING, already=True, can_open=False))),
    Scene(
        "buka-hari-besok",
        shows(
            shell=on("day"),
            day=replace(MORNING, can_open=False, notice=trouble("day_not_open", "already_closed")),
        ),
    ),
    Scene("tutup-mulai", shows(shell=on("closing"), closing=ClosingState(date="24 November 2026", can_go_on=True))),
    Scene("tutup-hitung", shows(shell=on("closing"), closing=COUNTING)),
    Scene("tutup-jelaskan", shows(shell=on("closing"), closing=EXPLAIN)),
    Scene(
        "tutup-jelaskan-ketua",
        shows(shell=on("closing"), closing=replace(EXPLAIN, needs_leader=True, can_go_on=True)),
        _leader_pin,
    ),
    Scene("tutup-kirim", shows(shell=on("closing"), closing=SENDING)),
    Scene(
        "tutup-kirim-nanti",
        shows(shell=on("closing"), closing=replace(SENDING, sending=False, notice=trouble("server_unreachable"))),
    ),
    Scene("tutup-segel", shows(shell=on("closing"), closing=SEAL)),
    Scene(
        "tutup-segel-beda",
        shows(shell=on("closing"), closing=DIFFERS),
    ),
    Scene("tutup-disegel", shows(shell=after_the_seal(), closing=SEALED, copy=CopyState(f"{COPIED} /media/usb"))),
    Scene("sinkron", shows(shell=on("sync"), sync=SYNC)),
    Scene(
        "sinkron-belum",
        shows(shell=on("sync"), sync=replace(SYNC, headline="3 belum terkirim", tone="look", unsent=3, busy=True)),
    ),
    Scene(
        "sinkron-putus",
        shows(
            shell=on("sync"),
            sync=replace(
                SYNC,
                headline="3 belum terkirim",
                tone="look",
                unsent=3,
                detail="mencoba lagi 20 detik lagi",
                notice=trouble("server_unreachable"),
            ),
        ),
    ),
    Scene("latihan-edc", _tray(_TRAY), size=(340, 720)),
    Scene(
        "latihan-edc-jauh",
        _tray(replace(_TRAY, display=(), asks_pin=False, slip=None, inserted="", away=trouble("device_unavailable"))),
        size=(340, 720),
    ),
    Scene("kesalahan-program", _faulted),
    Scene("masuk-terkunci", shows(shell=replace(OUT, locked=frozenset({"S1"}))), _choose_siti),
    Scene("masuk-buka-kunci", shows(shell=replace(OUT, locked=frozenset({"S1"}))), _ask_the_leader),
    Scene("kata-sandi", _passphrase, size=(480, 360)),
    at_counter("siap-sesudah-mati", READY, replace(SHELL, recovered=_BEFORE_THE_END)),
    Scene("buka-hari-jam", shows(shell=on("day"), day=CLOCK)),
    Scene("buka-hari-jam-ketua", shows(shell=on("day"), day=replace(CLOCK, asks_leader=True))),
    Scene(
        "buka-hari-tanggal",
        shows(shell=on("day"), day=replace(MORNING, notice=trouble("clock_suspect", "date_unsure"))),
    ),
    Scene(
        "tutup-salinan-sedisk",
        shows(
            shell=on("closing"),
            closing=SEALED,
            copy=CopyState(f"{COPIED} /var/lib/ewarung-pos/backup. {SAME_DISK}", same_disk=True),
        ),
    ),
    Scene("tutup-menyalin", shows(shell=after_the_seal(), closing=SEALED, copy=CopyState(COPYING))),
    Scene(
        "tutup-tanpa-salinan",
        shows(shell=after_the_seal(), closing=SEALED, copy=CopyState(trouble=trouble("config", "backup_dir"))),
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
        shows(doubt=DoubtState(_MISMATCH, 1)),
    ),
    Scene(
        "belum-pasti-struk-lain",
        shows(doubt=DoubtState(replace(_MISMATCH, slip_form=True), 1)),
        _slip_other,
    ),
    at_counter(
        "belum-pasti-bukan-ini",
        CounterState(phase=Phase.REFUSED, refusal=trouble("edc.other_debit"), person=SUMINAH),
    ),
    at_counter("siap-chip", replace(READY, reader=trouble("card_not_read", "removed")), _CHIP),
    Scene("ketik-nomor", shows(typed=_TYPED), _type_number),
    Scene("ketik-nomor-ragu", shows(typed=replace(_TYPED, warning=ODD)), _type_number),
    Scene("ketik-nomor-ketua", shows(typed=replace(_TYPED, mode="pin", last4="4821"))),
    Scene(
        "stok-sedang-dihitung",
        shows(
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
        shows(
            shell=on("closing"),
            closing=replace(
                DIFFERS,
                can_go_on=True,
                explanation="Bu Suminah belum membayar",
                notice=trouble("not_entitled", "text_name"),
            ),
        ),
    ),
    Scene("latihan-edc-sempit", _tray(_TRAY, TrayShape.NARROW), size=(224, 578)),
    Scene(
        "latihan-edc-rendah",
        _tray(replace(_TRAY, behaviour="lose_answer", slip=None), TrayShape.SPREAD),
        size=(448, 380),
    ),
    Scene(
        "latihan-edc-sempit-jauh",
        _tray(
            replace(_TRAY, display=(), asks_pin=False, slip=None, inserted="", away=trouble("device_unavailable")),
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
        shows(shell=on("day"), day=replace(MORNING, already=True, closing=True, can_open=False)),
    ),
    at_counter("selesai-tunai", CounterState(phase=Phase.DONE, done=CASH)),
    Scene(
        "riwayat-dibatalkan",
        shows(
            shell=on("history"),
            history=replace(
                HISTORY, read=True, said="Dibatalkan. Kembalikan tunai Rp1.015.700. Struk pembatalan nomor 0035."
            ),
        ),
    ),
    Scene(
        "pergi-barang-masuk",
        shows(shell=replace(on("stock"), asks=trouble("leave", "close_delivery")), stock=RECEIVING),
    ),
    Scene(
        "pergi-hitungan",
        shows(shell=replace(on("closing"), asks=trouble("leave", "close_count")), closing=COUNTING),
    ),
    Scene(
        "tutup-segel-edc-diam",
        shows(shell=on("closing"), closing=replace(SEAL, edc_asked=True, edc_silent=True, edc_total="tidak ada data")),
    ),
    at_counter("siap-lampu-latihan", READY, replace(_TROUBLED, practice=True)),
    Scene(
        "tutup-jelaskan-latihan",
        shows(shell=replace(_TROUBLED, practice=True, screen="closing"), closing=replace(EXPLAIN, can_go_on=True)),
    ),
)
"""Every state, in the order of a day; then what is seldom seen."""
