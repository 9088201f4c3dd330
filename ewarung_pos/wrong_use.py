"""A command line that is not understood, or that was cut off: in the three sentences every trouble has."""

from __future__ import annotations

import re
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError

__all__ = ["STOPPED", "tell_wrong_use"]

STOPPED = (
    "Dihentikan sebelum selesai.",
    "Yang sudah aman: semua yang sudah tercatat.",
    "Lakukan sekarang: lihat keadaannya dengan `ewarung-pos doctor`, lalu ulangi perintah itu bila masih perlu.",
)
"""Ctrl+C: nobody knows here how far the command was, so nothing is promised of it."""


def tell_wrong_use(error: click.ClickException, program: str) -> tuple[str, ...]:
    """Lines for standard error.

    Args:
        error: what click found wrong.
        program: name of the program, for when the error knows no command.
    """
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context is not None else program
    return (
        f"Perintah tidak dimengerti. {_what(error, command)}",
        "Yang sudah aman: tidak ada yang dijalankan dan tidak ada yang diubah.",
        f"Lakukan sekarang: lihat cara pakainya dengan `{command} --help`, lalu ulangi.",
    )


def _what(error: click.ClickException, command: str) -> str:
    match error:
        case click.NoSuchOption():
            near = f" Mungkin maksudnya {' atau '.join(error.possibilities)}." if error.possibilities else ""
            return f"`{command}` tidak mengenal pilihan {error.option_name}.{near}"
        case click.NoSuchCommand():
            return f"`{command}` tidak mengenal perintah {error.command_name!r}."
        case click.MissingParameter(param=click.Parameter() as param):
            return f"`{command}` memerlukan {_name(param)}."
        case click.BadParameter(param=click.Parameter() as param):
            return f"Nilai untuk {_name(param)} tidak bisa dipakai; beri {_expected(param.type)}."
        case click.BadOptionUsage():
            return f"Pilihan {error.option_name} dipakai tanpa nilai, atau dengan nilai yang tidak diperlukan."
        case NoArgsIsHelpError():
            return f"`{command}` memerlukan salah satu perintahnya."
    extra = _EXTRA.fullmatch(error.message)
    return f"`{command}` tidak memerlukan {extra[1]!r}." if extra is not None else error.format_message()


def _name(param: click.Parameter) -> str:
    return max(param.opts, key=len) if isinstance(param, click.Option) else param.make_metavar(_NOWHERE)


_EXTRA = re.compile(r"Got unexpected extra arguments? \((.*)\)", re.DOTALL)
"""Click has no error of its own for words too many."""

_NOWHERE = click.Context(click.Command("ewarung-pos"))


def _expected(kind: click.ParamType[Any]) -> str:
    match kind:
        case click.IntRange():
            low = f" mulai {kind.min}" if kind.min is not None else ""
            high = f" sampai {kind.max}" if kind.max is not None else ""
            return f"bilangan bulat{low}{high}"
        case click.Choice():
            return f"salah satu dari {', '.join(map(str, kind.choices))}"
        case click.Path(exists=True):
            what = "folder" if not kind.file_okay else "berkas" if not kind.dir_okay else "berkas atau folder"
            return f"{what} yang ada dan bisa dibaca"
        case click.Path():
            return "folder, bukan berkas" if not kind.file_okay else "berkas, bukan folder"
    return "bilangan bulat" if kind is click.INT else "nilai yang cocok"
