"""The bodies of messages: how Litestar is told to decode them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import msgspec
from litestar._openapi.schema_generation import SchemaCreator
from litestar.dto import AbstractDTO
from litestar.exceptions import ValidationException
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition

from ewarung_city.reading import decode_push
from ewarung_pos.sync.protocol import Enrol, GrantRequest, Hello, Push

__all__ = ["EnrolBody", "GrantBody", "HelloBody", "PushBody"]


class _Verbatim(AbstractDTO[Any], ABC):
    """Decode a message in one step: a batch's entries stay untouched, for hashes are computed over their very bytes."""

    @staticmethod
    @abstractmethod
    def message(value: bytes) -> msgspec.Struct:
        """Decode it; `decode_bytes` makes one error of every one."""

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: type[Any] | None = None
    ) -> None:
        """Nothing to prepare."""

    def decode_bytes(self, value: bytes) -> msgspec.Struct:
        """The message.

        Raises:
            ValidationException: not one, not JSON, nested deeper than anything of ours, or not UTF-8.
        """
        try:
            return type(self).message(value)
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            raise ValidationException("not this message") from error

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: SchemaCreator
    ) -> Reference | Schema:
        """As any other type."""
        return schema_creator.for_field_definition(field_definition)


_ENROL = msgspec.json.Decoder(Enrol)
_HELLO = msgspec.json.Decoder(Hello)
_GRANT = msgspec.json.Decoder(GrantRequest)


class EnrolBody(_Verbatim):
    """Of an ENROL."""

    @staticmethod
    def message(value: bytes) -> Enrol:
        """An ENROL."""
        return _ENROL.decode(value)


class HelloBody(_Verbatim):
    """Of a HELLO."""

    @staticmethod
    def message(value: bytes) -> Hello:
        """A HELLO."""
        return _HELLO.decode(value)


class GrantBody(_Verbatim):
    """Of a GRANT_REQ."""

    @staticmethod
    def message(value: bytes) -> GrantRequest:
        """A GRANT_REQ."""
        return _GRANT.decode(value)


class PushBody(_Verbatim):
    """Of a PUSH: one entry that is no JSON does not cost the others their place."""

    @staticmethod
    def message(value: bytes) -> Push:
        """A PUSH."""
        return decode_push(value)
