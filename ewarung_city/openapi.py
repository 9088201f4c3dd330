"""What the OpenAPI document says beyond the routes: how messages are signed, and what has another form on the wire."""

from __future__ import annotations

import msgspec
from litestar._openapi.schema_generation import SchemaCreator
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.rights import Surrender

__all__ = ["DESCRIPTION", "WireTypes"]

DESCRIPTION = """\
Messages between kiosks and their city. Everything under /v1 is signed both ways (RFC 9421, Ed25519): requests over
`@method @authority @path @query content-digest` with `created`, `nonce` and `keyid` (`DEVICE/EPOCH`, or
`enrol/PUBLIC-KEY-HEX`), answers over `@status content-digest ewarung-nonce`. Bodies are JSON, plain or gzip, at most
640 KiB either way. Refusals are RFC 9457 problem documents with a stable `reason`.
"""

_ARRAYS: tuple[type[msgspec.Struct], ...] = (LeaseGrant, Surrender)


class WireTypes(OpenAPISchemaPlugin):
    """Types whose wire form is not what their Python form suggests."""

    @staticmethod
    def is_plugin_supported_type(value: object) -> bool:
        """Journal entries, and structs that travel as arrays."""
        return value is msgspec.Raw or value in _ARRAYS

    @staticmethod
    def is_plugin_supported_field(field_definition: FieldDefinition) -> bool:
        """The same of a field."""
        return WireTypes.is_plugin_supported_type(field_definition.annotation)

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: SchemaCreator) -> Schema:
        """Their form."""
        kind = field_definition.annotation
        if kind is msgspec.Raw:
            return Schema(type=OpenAPIType.OBJECT, description="A journal entry: RFC 8785 canonical JSON.")
        names = kind.__struct_fields__
        return Schema(
            type=OpenAPIType.ARRAY,
            min_items=len(names),
            max_items=len(names),
            items=Schema(),
            description=f"{len(names)} values: {', '.join(names)}.",
        )
