"""Finished tables held to their schema, by pandera.

Apart from `schema`, because importing pandera takes half a second that most jobs need not pay.
"""

from __future__ import annotations

import pandera.pandas as pa

from sarcoma_sbrt.schema import ENDPOINT_TABLE, SOURCE_COLUMNS, Column, Table

__all__ = ["pandera_schema"]


def pandera_schema(table: Table) -> pa.DataFrameSchema:
    """Build the schema that a finished canonical or endpoint table satisfies, strictly."""
    columns = table.columns if table is ENDPOINT_TABLE else table.columns + SOURCE_COLUMNS
    return pa.DataFrameSchema(
        {c.name: pa.Column(c.dtype, _checks(c), nullable=not c.required) for c in columns},
        strict=True,
        ordered=True,
        unique=list(table.key) or None,
        name=table.name,
    )


def _checks(c: Column) -> list[pa.Check]:
    checks = []
    if c.codes:
        checks.append(pa.Check.isin(c.codes))
    if c.minimum is not None:
        checks.append(pa.Check.gt(c.minimum) if c.exclusive else pa.Check.ge(c.minimum))
    if c.maximum is not None:
        checks.append(pa.Check.le(c.maximum))
    return checks
