"""Any value of any type of the journal, as far as its numbers and names are allowed to go."""

from __future__ import annotations

import typing

import msgspec
from hypothesis import strategies as st

__all__ = ["TEXT", "structs", "values"]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ['"\\/\b\f\n\r\t\x00\x1f\x7f', "\u2028\u2029", "\u00e9\u0065\u0301", "😀\U0010ffff", "\ufeff", "İstanbul", "ꦗꦮ"]
)


def values(kind: object) -> st.SearchStrategy[typing.Any]:
    """Any value of a field's type."""
    if kind is str:
        return TEXT
    if typing.get_origin(kind) is typing.Annotated:
        return _limited(*typing.get_args(kind))
    if kind is bool:
        return st.booleans()
    if kind is type(None):
        return st.none()
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return structs(kind)
    if isinstance(kind, type):  # the enumerations
        return st.sampled_from(list(typing.cast("typing.Iterable[object]", kind)))
    parts = typing.get_args(kind)
    if typing.get_origin(kind) is tuple:
        if parts[-1] is Ellipsis:
            return st.lists(values(parts[0]), max_size=3).map(tuple)
        return st.tuples(*(values(part) for part in parts))
    return st.one_of(*(values(part) for part in parts))


def _limited(plain: object, limits: msgspec.Meta) -> st.SearchStrategy[typing.Any]:
    if plain is str:
        return TEXT
    least, most = int(limits.ge or 0), int(limits.le or 0)
    return st.integers(least, most) | st.sampled_from([0, least, most])


def structs(kind: type[msgspec.Struct]) -> st.SearchStrategy[typing.Any]:
    hints = typing.get_type_hints(kind, include_extras=True)
    return st.builds(kind, **{name: values(hints[name]) for name in kind.__struct_fields__})
