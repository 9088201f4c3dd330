"""The scenes of `pictures`: one for each thing a screen can say."""

from __future__ import annotations

from msgspec.structs import replace

from ewarung_pos.ui.text import trouble
from ewarung_pos.ui.viewmodels.closing_copy import CopyState
from ewarung_pos.ui.viewmodels.closing_state import ClosingState
from ewarung_pos.ui.viewmodels.counter_state import CounterState, Phase
from ewarung_pos.ui.viewmodels.doubt import DoubtState
from ewarung_pos.ui.viewmodels.shell import LampState
from ewarung_pos.ui.viewmodels.stick import StickState
from ewarung_pos.ui.views.picture_books import (
    COPIED,
    COUNTING,
    DIFFERS,
    EXPLAIN,
    HISTORY,
    LARGE,
    MORNING,
    RECEIPT,
    RECEIVING,
    SEAL,
    SEALED,
    SENDING,
    STICK_BUSY,
    STICK_FETCHED,
    STICK_SAVED,
    STICK_WHICH,
    STOCK,
    SYNC,
    WITHOUT_LINE,
)
from ewarung_pos.ui.views.picture_counter import (
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
from ewarung_pos.ui.views.picture_devices import ALLOWING, FINE, FOUND, NOTHING, TRYING, WRITTEN
from ewarung_pos.ui.views.picture_hands import choose_siti, leader_pin, slip_paid, slip_pin
from ewarung_pos.ui.views.picture_papers import PAPER
from ewarung_pos.ui.views.picture_rights import RIGHTS
from ewarung_pos.ui.views.picture_seldom import SELDOM
from ewarung_pos.ui.views.picture_stage import AWAY, OUT, SHELL, Scene, Shows, at_counter, on
from ewarung_pos.ui.views.picture_tray import TRAY, on_tray
from ewarung_pos.ui.views.picture_troubles import TROUBLES

__all__ = ["SCENES"]

_NO_PRINTER = replace(
    on("history"), lamps=(SHELL.lamps[0], LampState("printer", "Printer terputus", "stop", "history"), SHELL.lamps[2])
)
_HINT = "PIN Bu Siti 123456, Bu Ratna 234567, ketua Bu Kartini 345678."

SCENES: tuple[Scene, ...] = (
    Scene("masuk", Shows(shell=OUT)),
    Scene("masuk-nama", Shows(shell=OUT), choose_siti),
    Scene("masuk-pin-salah", Shows(shell=replace(OUT, notice=trouble("not_authorised", "wrong_pin"))), choose_siti),
    Scene("masuk-latihan", Shows(shell=replace(OUT, practice=True), practice_hint=_HINT)),
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
            why_no_cancel="EDC sudah memegang jumlahnya. Sebelum PIN: tombol merah di EDC.",
            waiting="Menunggu EDC: Rp83.200. Bila sudah berhasil, jangan ulangi. 118 dari 120 detik.",
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
    Scene("belum-pasti", Shows(doubt=DoubtState(DOUBT, 1))),
    Scene("belum-pasti-tanya", Shows(doubt=DoubtState(replace(DOUBT, asking=False, others=1), 2))),
    Scene(
        "belum-pasti-struk",
        Shows(doubt=DoubtState(replace(DOUBT, asking=False, trouble=trouble("doubt.no_query"), slip_form=True), 1)),
        slip_paid,
    ),
    Scene(
        "belum-pasti-pin",
        Shows(doubt=DoubtState(replace(DOUBT, asking=False, slip_form=True), 1)),
        slip_pin,
    ),
    Scene("riwayat", Shows(shell=on("history"), history=HISTORY)),
    Scene("riwayat-kosong", Shows(shell=on("history"), history=replace(HISTORY, read=True, rows=()))),
    Scene("riwayat-struk", Shows(shell=on("history"), history=RECEIPT)),
    Scene(
        "riwayat-salinan",
        Shows(shell=on("history"), history=replace(RECEIPT, said="SALINAN ke-1 sudah dicetak.")),
    ),
    Scene("riwayat-printer-mati", Shows(shell=_NO_PRINTER, history=replace(RECEIPT, no_paper=True))),
    Scene("riwayat-alasan", Shows(shell=on("history"), history=replace(RECEIPT, mode="reason"))),
    Scene(
        "riwayat-pin",
        Shows(
            shell=on("history"),
            history=replace(RECEIPT, mode="pin", reason="jumlah_salah", notice=trouble("not_authorised", "wrong_pin")),
        ),
    ),
    Scene("stok", Shows(shell=on("stock"), stock=STOCK)),
    Scene("stok-terima", Shows(shell=on("stock"), stock=RECEIVING)),
    Scene(
        "stok-terima-tanya",
        Shows(shell=on("stock"), stock=replace(RECEIVING, asks="84 kemasan dari Bulog Semarang: catat?")),
    ),
    Scene(
        "stok-dicatat",
        Shows(shell=on("stock"), stock=replace(STOCK, said="84 kemasan dari Bulog Semarang sudah dicatat.")),
    ),
    Scene("buka-hari", Shows(shell=on("day"), day=MORNING)),
    Scene("buka-hari-sudah", Shows(shell=on("day"), day=replace(MORNING, already=True, can_open=False))),
    Scene(
        "buka-hari-besok",
        Shows(
            shell=on("day"),
            day=replace(MORNING, can_open=False, notice=trouble("day_not_open", "already_closed")),
        ),
    ),
    Scene("tutup-mulai", Shows(shell=on("closing"), closing=ClosingState(date="24 November 2026", can_go_on=True))),
    Scene("tutup-hitung", Shows(shell=on("closing"), closing=COUNTING)),
    Scene("tutup-jelaskan", Shows(shell=on("closing"), closing=EXPLAIN)),
    Scene(
        "tutup-jelaskan-ketua",
        Shows(shell=on("closing"), closing=LARGE),
        leader_pin,
    ),
    Scene("tutup-kirim", Shows(shell=on("closing"), closing=SENDING)),
    Scene(
        "tutup-kirim-nanti",
        Shows(shell=on("closing"), closing=replace(SENDING, sending=False, notice=trouble("server_unreachable"))),
    ),
    Scene("tutup-segel", Shows(shell=on("closing"), closing=SEAL)),
    Scene(
        "tutup-segel-beda",
        Shows(shell=on("closing"), closing=DIFFERS),
    ),
    Scene("tutup-disegel", Shows(shell=on("closing"), closing=SEALED, copy=CopyState(f"{COPIED} /media/usb"))),
    Scene("atur", Shows(shell=on("devices"), devices=FINE)),
    Scene("atur-uji", Shows(shell=on("devices"), devices=TRYING)),
    Scene("atur-ditemukan", Shows(shell=on("devices"), devices=FOUND)),
    Scene("atur-tidak-ada", Shows(shell=on("devices"), devices=NOTHING)),
    Scene("atur-pin", Shows(shell=on("devices"), devices=ALLOWING)),
    Scene("atur-tersimpan", Shows(shell=on("devices"), devices=WRITTEN)),
    Scene("sinkron", Shows(shell=on("sync"), sync=SYNC)),
    Scene(
        "sinkron-belum",
        Shows(
            shell=on("sync"), sync=replace(SYNC, headline="3 catatan belum terkirim", tone="look", unsent=3, busy=True)
        ),
    ),
    Scene(
        "sinkron-putus",
        Shows(
            shell=on("sync"),
            sync=replace(
                SYNC,
                headline="3 catatan belum terkirim",
                tone="look",
                unsent=3,
                detail="mencoba lagi 20 detik lagi",
                notice=trouble("server_unreachable"),
            ),
        ),
    ),
    Scene("sinkron-usb-menyimpan", Shows(shell=on("sync"), sync=WITHOUT_LINE, stick=STICK_BUSY)),
    Scene("sinkron-usb-disimpan", Shows(shell=on("sync"), sync=WITHOUT_LINE, stick=STICK_SAVED)),
    Scene("sinkron-usb-diambil", Shows(shell=on("sync"), sync=SYNC, stick=STICK_FETCHED)),
    Scene("sinkron-usb-pilih", Shows(shell=on("sync"), sync=WITHOUT_LINE, stick=STICK_WHICH)),
    Scene(
        "sinkron-usb-rusak",
        Shows(
            shell=on("sync"),
            sync=WITHOUT_LINE,
            stick=StickState(notice=trouble("bundle_refused", "damaged")),
        ),
    ),
    Scene("latihan-edc", on_tray(TRAY), size=(340, 720)),
    Scene(
        "latihan-edc-jauh",
        on_tray(replace(TRAY, display=(), asks_pin=False, slip=None, inserted="", away=trouble("device_unavailable"))),
        size=(340, 720),
    ),
    *SELDOM,
    *RIGHTS,
    *TROUBLES,
)
"""Every state, in the order of a day; then what is seldom seen."""
