"""`ewarung-pos demo`: the till beside an embedded city and a simulated EDC, with a window or by a script."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ewarung_pos.app import Application, build
from ewarung_pos.clock import SystemClock
from ewarung_pos.diagnostics import start_log
from ewarung_pos.domain.business_day import DayState
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.errors import ConfigError, LedgerFull
from ewarung_pos.kiosk.proof import verify_ledger
from ewarung_pos.ledger.database import LEDGER_FILE, open_ledger
from ewarung_pos.ledger.keys import key_of
from ewarung_pos.ledger.lock import InstanceLock
from ewarung_pos.ports import LedgerReader, TaskRunner
from ewarung_pos.practice.cards import practice_cards, sample_file
from ewarung_pos.practice.hands import Hands, MorningFailed, purse_movements, sealed_days
from ewarung_pos.practice.morning import Morning
from ewarung_pos.practice.sandbox import KIOSK, Sandbox
from ewarung_pos.ui.display import display_here

__all__ = ["DemoOptions", "run_demo"]

POLL_MS = 20
"""The script's lanes run one after another, so a long wait for a card would hold up everything else."""

PAPERS_NAMED = 5
"""The last papers by their path; who wants the others looks into the folder."""

ROOM_BYTES = 3_000_000
"""Less is not worth beginning with: the city and the first papers take that much."""

PRACTICE_CASHIER = "siti"
PIN_HINT = "Bu Siti 111111 · Bu Yuni (ketua) 222222"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The command's options; see contracts."""

    headless: bool = False
    redemptions: int = 24
    seed: int = 1
    data_dir: str = ""
    resume: bool = False
    edc: str = ""
    city: str = ""
    code: str = ""
    screens: str = ""
    as_json: bool = False


def run_demo(options: DemoOptions) -> int:
    """Run the demo; returns the exit code (contracts).

    Raises:
        PosError: the sandbox could not start.
    """
    folder = _folder(options)
    headless = options.headless or options.as_json or not display_here()
    try:
        with ExitStack() as stack:
            _alone(folder, stack)
            log = start_log(folder / "log")
            stack.callback(log.close)
            sandbox = stack.enter_context(
                Sandbox(
                    folder, edc=options.edc, city=options.city, code=options.code, seed=options.seed, face=not headless
                )
            )
            return _work(options, folder, sandbox) if headless else _window(folder, sandbox)
    except KeyboardInterrupt:
        return _unfinished("Dihentikan.", folder)


def _alone(folder: Path, stack: ExitStack) -> None:
    """Keep this directory for this process, and see that practice may go on there, before anything is touched.

    Raises:
        LedgerBusy: another demo, or a till, works there.
        LedgerFull: hardly any room; nothing was begun.
        ConfigError: the ledger there is a real kiosk's.
        LedgerError: the ledger there cannot be used.
    """
    if shutil.disk_usage(folder).free < ROOM_BYTES:
        raise LedgerFull(str(folder))
    lock = InstanceLock(folder / "demo.lock")
    stack.callback(lock.release)
    if (folder / LEDGER_FILE).exists():
        ledger = open_ledger(folder, key_of(folder).secret, SystemClock())
        try:
            identity = ledger.read().identity()
        finally:
            ledger.close()
        if identity is None or not identity.practice:
            raise ConfigError(
                f"--data-dir: '{folder}' milik kios sungguhan, seharusnya folder latihan", reason="resume"
            )


def _folder(options: DemoOptions) -> Path:
    if not options.data_dir:
        if options.resume:
            raise ConfigError(
                "--resume: tanpa --data-dir, seharusnya dengan folder latihan yang sudah ada", reason="resume"
            )
        return Path(tempfile.mkdtemp(prefix="ewarung-latihan-"))
    folder = Path(options.data_dir)
    if (folder / "ledger.db").exists() and not options.resume:
        raise ConfigError(
            f"--data-dir: '{folder}' sudah berisi buku catatan, seharusnya dengan --resume atau folder kosong",
            reason="resume",
        )
    if options.resume and not folder.is_dir():
        raise ConfigError(
            f"--data-dir: '{folder}' tidak ada, --resume seharusnya dengan folder latihan", reason="resume"
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _window(folder: Path, sandbox: Sandbox) -> int:
    from ewarung_pos.ui.qt_till import show_till

    def start(runner: TaskRunner, close: Callable[[], None]) -> Application:
        app = build(sandbox.config, folder, SystemClock(), runner, close_runner=close)
        _fill_the_shelf(app)
        app.start()
        return app

    sys.stdout.write(f"Data latihan: {folder}\n")
    sys.stdout.flush()
    return show_till(start, sandbox.config.kiosk, sandbox.tray, PIN_HINT)


def _fill_the_shelf(app: Application) -> None:
    """Practice begins with an open day and goods on the shelf, so that the first card can be served at once."""
    services = app.services
    day = services.day.today()
    if day.state is DayState.CLOSED and day.date is None:
        services.day.open(PRACTICE_CASHIER, date_confirmed=True)
    if services.day.today().state is DayState.OPEN and not any(services.ledger.read().stock().values()):
        lines = tuple(ReceivedLine(product, packs) for product, packs in _delivery())
        services.stock.receive("Toko Sumber Rejeki", "SJ-0117", lines, PRACTICE_CASHIER)


def _work(options: DemoOptions, folder: Path, sandbox: Sandbox) -> int:
    from ewarung_pos.practice.interrupt import InterruptibleRunner

    out = sys.stderr if options.as_json else sys.stdout

    def say(line: str) -> None:
        out.write(line + "\n")
        out.flush()

    runner = InterruptibleRunner()
    app = build(
        sandbox.config, folder, SystemClock(), runner, close_runner=lambda: None, timers=sandbox.timers, poll_ms=POLL_MS
    )
    shots: Callable[[str], None] = lambda name: None  # noqa: E731 - the whole of "no pictures"
    pictures: list[Path] = []
    try:
        if options.screens:
            from ewarung_pos.ui.qt_shots import WindowShots

            camera = WindowShots(app.till, Path(options.screens), PIN_HINT)
            shots, pictures = camera.take, camera.taken
        app.start()
        hands = Hands(app=app, runner=runner, tray=sandbox.tray, say=say, shot=shots)
        morning = Morning(
            hands=hands,
            cards=practice_cards(sample_file("families.csv"), KIOSK),
            redemptions=options.redemptions,
            seed=options.seed,
            delivery=_delivery(),
        )
        try:
            with runner:
                morning.run()
        except MorningFailed as failure:
            return _unfinished(f"Pagi ini tidak selesai. {failure}", folder)
        summary = _summary(app, sandbox, hands, folder)
    finally:
        app.stop()
    return _conclude(summary, folder, pictures, say, as_json=options.as_json)


def _unfinished(why: str, folder: Path) -> int:
    sys.stderr.write(f"{why}\nYang sudah aman: semua yang tercatat ada di {folder}\n")
    sys.stderr.write(f"Lakukan sekarang: lanjutkan dengan `ewarung-pos demo --resume --data-dir {folder}`.\n")
    return 3


def _delivery() -> tuple[tuple[str, int], ...]:
    rows = json.loads(sample_file("delivery.json").read_text(encoding="utf-8"))
    return tuple((row["product"], row["packs"]) for row in rows)


def _summary(app: Application, sandbox: Sandbox, hands: Hands, folder: Path) -> dict[str, Any]:
    ledger = app.services.ledger.read()
    day = ledger.day()
    if day.date is None:
        raise ConfigError("no business day", reason="no_day")
    totals = ledger.totals(day.date)
    head = ledger.head()
    period = day.date.period()
    over = sum(
        max(0, -lease.left.amount) for family in ledger.families() for lease in ledger.leases(family.key, period)
    )
    owed = sum(1 for job in ledger.print_jobs() if job.kind != "day_report")
    return {
        "redemptions": totals.redemptions,
        "refused": totals.refused,
        "reversed": totals.reversals,
        "in_doubt_resolved": hands.in_doubt_resolved,
        "receipts_printed": totals.receipts - owed,
        "entries": head.seq,
        "ledger_head": head.hash,
        "acked_seq": head.acked_seq,
        "overspend": over,
        "edc_approved": _edc_said(ledger, sandbox),
        "data_dir": str(folder),
        "purse": sum(amount for _, amount in purse_movements(ledger)),
    }


def _edc_said(ledger: LedgerReader, sandbox: Sandbox) -> int | None:
    """Approved minus voided by the EDC's own account: its tray's, else its settlements; None where it gave none."""
    if sandbox.tray is not None:
        said = sandbox.tray.totals()
        return said["approved"] - said["voided"] - sandbox.edc_before
    settled = [fact.edc.amount if fact.edc is not None else None for fact in sealed_days(ledger)]
    return None if None in settled else sum(amount for amount in settled if amount is not None)


def _conclude(
    summary: dict[str, Any], folder: Path, pictures: list[Path], say: Callable[[str], None], *, as_json: bool
) -> int:
    from ewarung_pos.ui.text_verify import verdict

    purse = summary.pop("purse")
    report = verify_ledger(str(folder))
    wrong: list[str] = []
    if not report["ok"]:
        wrong.extend(verdict(report))
    if summary["edc_approved"] is None:
        say("EDC tidak memberi totalnya; cocokkan dengan struk setelmen EDC.")
    elif summary["edc_approved"] != purse:
        wrong.append(f"EDC {summary['edc_approved']} dan buku catatan {purse} berbeda")
    if summary["overspend"]:
        wrong.append(f"Jatah terlampaui {summary['overspend']}")
    say("")
    say("Ringkasan")
    for key, value in summary.items():
        say(f"  {key:18} {value}")
    say(f"  {'verify':18} {'utuh' if report['ok'] else 'TIDAK UTUH'}")
    papers = sorted((folder / "papers").glob("*.pdf"))
    say(f"Struk dan laporan: {len(papers)} PDF di {folder / 'papers'}")
    for paper in papers[-PAPERS_NAMED:]:
        say(f"  {paper}")
    if len(papers) > PAPERS_NAMED:
        say(f"  (... {len(papers) - PAPERS_NAMED} struk lain di folder papers)")
    for picture in pictures:
        say(f"Gambar layar: {picture}")
    for problem in wrong:
        say(f"SALAH: {problem}")
    if as_json:
        sys.stdout.write(json.dumps(summary) + "\n")
        sys.stdout.flush()
    return 1 if wrong else 0
