"""How our values look as JSON Schema, wherever pydantic's own words would leave a reader guessing."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

DECIMAL = {"type": "string", "format": "decimal", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}


class Schemas(GenerateJsonSchema):
    """JSON Schema of what we write."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """A number with decimals travels as text, so that nobody makes a float of it."""
        return dict[str, Any](DECIMAL) if self.mode == "serialization" else super().decimal_schema(schema)
