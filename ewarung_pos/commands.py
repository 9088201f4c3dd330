"""The commands, their options and what they answer.

`--json` prints one object on the last line of standard output; logs go to stderr. The exit codes stand in `__main__`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from ewarung_pos import __version__
from ewarung_pos.errors import PosError, ServerUnreachable
from ewarung_pos.options import AS_JSON, DATA_DIR, KEY_PLACES
from ewarung_pos.simulators import simulate_edc, simulate_printer, simulate_reader

__all__ = ["cli", "run_command"]

_PROGRAM = "ewarung-pos"


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name=_PROGRAM)
@DATA_DIR
@click.pass_context
def cli(context: click.Context, data_dir: str | None) -> None:
    """Kasir e-warung: ration and purse at the counter, an offline ledger, a city that can trust it."""
    if context.invoked_subcommand is None:
        context.invoke(run, data_dir=data_dir)
        return
    command = cli.commands[context.invoked_subcommand]
    takes_it = isinstance(command, click.Group) or any(param.name == "data_dir" for param in command.params)
    if context.get_parameter_source("data_dir") is ParameterSource.COMMANDLINE and not takes_it:
        raise click.NoSuchOption("--data-dir", ctx=click.Context(command, context, command.name))


@cli.command()
@DATA_DIR
def run(data_dir: str | None) -> None:
    """The till on this kiosk's configuration."""
    from ewarung_pos.kiosk.window import run_window

    sys.exit(run_window(data_dir))


@cli.command()
@click.option("--headless", is_flag=True, help="Work a scripted morning without a window.")
@click.option("--redemptions", type=click.IntRange(1, 5000), default=24, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@DATA_DIR
@click.option("--resume", is_flag=True, help="Go on with the data directory after any kind of death.")
@click.option(
    "--edc",
    default="",
    help="Another EDC: a pyserial URL (/dev/pts/7, socket://127.0.0.1:7002) or wss://HOST:PORT#FINGERPRINT.",
)
@click.option("--city", default="", help="URL of another city server; needs --code for a new data directory.")
@click.option("--code", default="", help="Enrolment code of the other city server.")
@click.option("--screens", type=click.Path(file_okay=False), help="Render the real windows offscreen into DIR.")
@AS_JSON
def demo(**options: Any) -> None:
    """The main job in a sandbox: embedded city, simulated EDC, invented families."""
    if options["code"] and not options["city"]:
        raise click.UsageError("--code adalah kode dari kota lain; beri --city URL juga.")
    from ewarung_pos.practice.demo import DemoOptions, run_demo

    sys.exit(
        run_demo(
            DemoOptions(
                headless=bool(options["headless"] or options["screens"]),
                redemptions=options["redemptions"],
                seed=options["seed"],
                data_dir=options["data_dir"] or "",
                resume=options["resume"],
                edc=options["edc"],
                city=options["city"],
                code=options["code"],
                screens=options["screens"] or "",
                as_json=options["as_json"],
            )
        )
    )


for _command in (simulate_edc, simulate_printer, simulate_reader):
    cli.add_command(_command)


def _propose(data_dir: str | None, *, as_json: bool) -> None:
    import msgspec

    from ewarung_pos.kiosk.device_trial import proposal, proposed_lines
    from ewarung_pos.kiosk.directory import data_directory

    found, settings = proposal(data_dir)
    lines, said = proposed_lines(found, settings, data_directory(data_dir) / "config.toml")
    for words in said:
        click.echo(words, err=True)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins({"found": found, "settings": settings}), ensure_ascii=False))
    elif lines:
        click.echo(lines.rstrip())


@cli.command()
@DATA_DIR
@click.option(
    "--bundle", type=click.Path(dir_okay=False), help="Write a ZIP for whoever helps from afar: no names in it."
)
@click.option(
    "--try",
    "tries",
    type=click.Choice(["card", "edc", "print"]),
    multiple=True,
    help="Use this device, not only look for it: read a card, ask for an echo, print a page. May be given again.",
)
@click.option(
    "--propose", "wants_proposal", is_flag=True, help="Only list what is plugged in, and lines for config.toml."
)
@AS_JSON
def doctor(
    *, data_dir: str | None, bundle: str | None, tries: tuple[str, ...], wants_proposal: bool, as_json: bool
) -> None:
    """Look at devices, printer, disk, ledger, key tier, clock and city; say what each means and what to do."""
    if wants_proposal:
        _propose(data_dir, as_json=as_json)
        return
    from ewarung_pos.kiosk.doctor import examine

    found = examine(data_dir, tries, lambda words: click.echo(words, err=True))
    if bundle is not None:
        from ewarung_pos.kiosk.support import write_bundle

        parts = write_bundle(data_dir, found, Path(bundle))
        click.echo(
            f"Berkas bantuan: {bundle} ({', '.join(parts)}). Tidak ada nama, NIK, atau nomor kartu di dalamnya.",
            err=True,
        )
    for line in found:
        click.echo(f"[{line['state']:>5}] {line['what']}: {line['meaning']}", err=as_json)
        if line["do"]:
            click.echo(f"        -> {line['do']}", err=as_json)
    if as_json:
        click.echo(json.dumps({"checks": found}, ensure_ascii=False))
    sys.exit(1 if any(line["state"] == "stop" for line in found) else 0)


@cli.command()
@click.argument("path", required=False, type=click.Path(exists=True))
@DATA_DIR
@AS_JSON
def verify(*, path: str | None, data_dir: str | None, as_json: bool) -> None:
    """Check chain, guards, projections, balances and signatures; name the first bad entry.

    PATH is a data directory, a ledger or an export. A ledger that lies elsewhere (a copy on a stick) is opened with the
    key of --data-dir; without it with the key that lies beside it, else with that of EWARUNG_DATA_DIR.
    """
    context = click.get_current_context()
    given = context.get_parameter_source("data_dir") is ParameterSource.COMMANDLINE
    if path and given and Path(path).is_dir():
        raise click.UsageError("Beri salah satu dari folder PATH dan --data-dir DIR.")
    from ewarung_pos.kiosk.proof import verify_ledger
    from ewarung_pos.ui.text_verify import verdict

    report = verify_ledger(path, data_dir, typed=given)
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False))
    else:
        for line in verdict(report):
            click.echo(line)
    sys.exit(0 if report["ok"] else 1)


@cli.command()
@click.argument("out", type=click.Path(path_type=Path), metavar="OUT.jsonl|OUT.bundle")
@click.option(
    "--from", "first_seq", type=click.IntRange(1), metavar="SEQ", help="First entry; default all, of a bundle the new."
)
@DATA_DIR
@AS_JSON
def export(*, out: Path, first_seq: int | None, data_dir: str | None, as_json: bool) -> None:
    """Write the ledger as text for anyone to check, or what is new in it as a file for the city.

    Works beside a running till. OUT must not be there yet; it appears when it is whole.

    OUT.jsonl (docs/ledger-format.md): from a later entry on it proves its chain and signatures, but not its balances.

    OUT.bundle (docs/usb-bundle.md): signed, and sealed to the city. A folder gets it under its usual name. It is
    carried to the office, and what comes back goes to `import`.
    """
    if out.is_dir() or out.suffix == ".bundle":
        _export_bundle(out, first_seq or 0, data_dir, as_json=as_json)
        return
    from ewarung_pos.kiosk.proof import export_ledger

    done = export_ledger(data_dir, out, first_seq or 1)
    if as_json:
        click.echo(json.dumps(done, ensure_ascii=False))
    else:
        span = f"catatan {done['first_seq']} sampai {done['last_seq']}"
        click.echo(f"Diekspor: {done['path']}, {span}, kepala {done['head'][:12]}.")
        click.echo("Siapa pun dapat memeriksanya dengan tools/check_ledger.py, tanpa program kasir ini.")


def _export_bundle(out: Path, first_seq: int, data_dir: str | None, *, as_json: bool) -> None:
    from ewarung_pos.kiosk.bundles import export_bundle
    from ewarung_pos.ui.text_stick import saved_words

    done = export_bundle(data_dir, out, first_seq)
    if as_json:
        click.echo(json.dumps(done, ensure_ascii=False))
        return
    click.echo(f"{saved_words(done['first_seq'], done['last_seq'], done['left'])}: {done['path']}")
    click.echo("Bawa berkas itu ke kelurahan atau kecamatan, lalu ambil balasannya dengan `ewarung-pos import`.")


@cli.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@DATA_DIR
@AS_JSON
def import_(*, file: Path, data_dir: str | None, as_json: bool) -> None:
    """Take the city's reply FILE (docs/usb-bundle.md): acknowledgements, its word on days, rights and prices.

    The till must be closed; its own screen Sinkron takes replies while it runs. The same FILE again changes nothing.
    Exit code 1: refused whole, or the city says something against what it was sent.
    """
    from ewarung_pos.kiosk.bundles import import_bundle
    from ewarung_pos.ui.text import trouble
    from ewarung_pos.ui.text_stick import fetched_words

    done = import_bundle(data_dir, file)
    for line in fetched_words(done["sent"], done["received"], tuple(done["attested"])):
        click.echo(f"{line}.", err=as_json)
    if done["code"]:
        said = trouble(done["code"], done["reason"])
        click.echo(f"{said.happened} {said.now}", err=True)
    if as_json:
        click.echo(json.dumps(done, ensure_ascii=False))
    sys.exit(1 if done["code"] else 0)


@cli.command()
@click.argument("directory", required=False, type=click.Path(file_okay=False, path_type=Path))
@DATA_DIR
@AS_JSON
@click.option("--key-from-stdin", "piped", is_flag=True, hidden=True, help="The till gives its own copies the key.")
def backup(*, directory: Path | None, data_dir: str | None, as_json: bool, piped: bool) -> None:
    """Write a verified copy of the ledger into DIRECTORY, beside a till that serves.

    Without DIRECTORY: into the configured place ([paths] backup), where the newest fourteen copies and the last of each
    month stay. A copy holds all that `restore` needs, except the key: keep that elsewhere.
    """
    from ewarung_pos.kiosk.copies import backup_ledger
    from ewarung_pos.ui.text_key import KEY_STAYS

    try:
        made = backup_ledger(data_dir, directory, key_from=sys.stdin if piped else None)
    except PosError as error:
        if as_json:
            click.echo(json.dumps({"error": error.code, "reason": error.reason, "detail": error.detail}))
        raise
    click.echo(f"Salinan terverifikasi: {made['path']}", err=as_json)
    click.echo(KEY_STAYS[made["tier"]], err=as_json)
    if as_json:
        click.echo(json.dumps(made))


@cli.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--older", is_flag=True, help="Also in the place of a sound ledger that holds as much.")
@DATA_DIR
@AS_JSON
def restore(*, file: Path, older: bool, data_dir: str | None, as_json: bool) -> None:
    """Put the verified copy FILE in the place of the ledger; the till serves again once it is enrolled anew.

    A copy may be older than what was handed out. So the restored ledger only tells the city what it holds; enrolling
    with a new code ends its epoch and begins the next. The ledger that was in place is kept beside it.
    """
    from ewarung_pos.kiosk.copies import restore_ledger
    from ewarung_pos.ui.text_copies import restored_words

    done = restore_ledger(file, data_dir, older=older)
    for line in restored_words(done):
        click.echo(line, err=as_json)
    if as_json:
        click.echo(json.dumps(done, ensure_ascii=False))


@cli.group()
def report() -> None:
    """Papers about this kiosk's own data."""


@report.command("pdp")
@DATA_DIR
@click.option("--out", type=click.Path(file_okay=False), help="Directory for the files; papers/ of the data if none.")
@AS_JSON
def report_pdp(*, data_dir: str | None, out: str | None, as_json: bool) -> None:
    """Whose data this device holds, for the notice within 3 x 24 hours after a loss (UU 27/2022 art. 46)."""
    from ewarung_pos.domain.units import dotted
    from ewarung_pos.kiosk.held_data import report_held_data

    done = report_held_data(data_dir, out)
    if as_json:
        click.echo(json.dumps(done))
        return
    click.echo(f"Data {dotted(done['families'])} keluarga dan {done['people']} pengurus ada di {done['device']}.")
    click.echo(f"Bila perangkat ini hilang sekarang, beri tahu mereka sebelum {done['notice_before']}.")
    if done["unread"]:
        click.echo(f"{done['unread']} berkas salinan tidak terbaca: keluarga di dalamnya mungkin tidak ada di daftar.")
    if done["lists"]:
        click.echo(
            f"{done['lists']} berkas daftar lama (tertua {done['oldest_list']}) masih ada di {done['lists_in']}."
        )
        click.echo("Isinya tidak terenkripsi dan memuat juga nama yang sudah dihapus. Hapus yang tidak dipakai lagi.")
    click.echo(f"Daftarnya (simpan terkunci): {done['csv']}")
    click.echo(f"                             {done['pdf']}")


@cli.command()
@click.option("--city", required=True, help="URL of the city's server.")
@click.option("--code", required=True, help="Enrolment code from the city.")
@click.option("--key", "place", type=KEY_PLACES, help="Where the ledger's key lives; default the best place here.")
@DATA_DIR
def enrol(city: str, code: str, place: str | None, data_dir: str | None) -> None:
    """Enrol this kiosk with its city; once per kiosk, and again after a restore.

    A key that is there already stays in force, for it opens what was copied: `rekey` moves it.
    """
    from ewarung_pos.kiosk.enrolment import enrol_kiosk
    from ewarung_pos.kiosk.keys import tier_for
    from ewarung_pos.ui.text_copies import city_words

    def show(digits: str) -> None:
        click.echo(f"Enam angka di layar ini: {digits}. Minta petugas kota mencocokkan dan menyetujui.")

    def sent(told: dict[str, Any]) -> None:
        for line in city_words(told):
            click.echo(line)

    tier = tier_for(data_dir, place)
    _tell_place(tier)
    try:
        click.echo(enrol_kiosk(city, code, data_dir, tier, show, sent))
    except ServerUnreachable as error:
        if error.reason in {"tls", "not_the_city"}:
            raise
        raise ServerUnreachable(city, reason="enrolling") from error


@cli.command()
@click.option("--key", "place", type=KEY_PLACES, required=True, help="Where the ledger's key shall live from now on.")
@DATA_DIR
def rekey(place: str, data_dir: str | None) -> None:
    """Move the ledger's key to another place; the till must be closed."""
    from ewarung_pos.kiosk.keys import choose_tier, rekey_kiosk

    tier = choose_tier(place)
    gone = rekey_kiosk(data_dir, tier)
    _tell_place(tier)
    if not gone:
        click.echo("Kunci di tempat yang lama belum bisa dihapus; dicoba lagi saat kasir dibuka.")


def _tell_place(tier: str) -> None:
    from ewarung_pos.ui.text_key import key_place

    name, meaning = key_place(tier)
    click.echo(f"Tempat kunci buku catatan: {name}. {meaning}")


def run_command(words: list[str]) -> int:
    """Do what was typed; a line that cannot be understood is answered in the words of the till.

    Raises:
        PosError, OSError: the command could not be done.
    """
    try:
        return int(cli.main(args=words, prog_name=_PROGRAM, standalone_mode=False) or 0)
    except click.ClickException as error:
        from ewarung_pos.wrong_use import tell_wrong_use

        for line in tell_wrong_use(error, _PROGRAM):
            click.echo(line, err=True)
        return 2
    except click.Abort:
        from ewarung_pos.wrong_use import STOPPED

        for line in STOPPED:
            click.echo(line, err=True)
        return 3
