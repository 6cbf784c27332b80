"""Reads the program's tables for pandas and pyarrow, which the extra ``research`` brings.

In: Parquet files as the program writes them: texts unchanged, types kept; and CSV, where there is no Parquet. Out: tables in
which a missing value is missing (``pandas.NA``, null), never 0 or NaN.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import MissingExtra

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_REMEDY = "tables need pandas and pyarrow: pip install 'schistoquant[research]'"


def arrow_table(path: Path) -> pa.Table:
    """A Parquet file as a table of pyarrow."""
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingExtra(_REMEDY) from error
    # Not `read_table`, which would take names of folders above for columns.
    return parquet.ParquetFile(path).read()


def data_frame(table: pa.Table) -> pd.DataFrame:
    """A table for pandas, with its types that know missing values; numbers without a value do not become NaN."""
    try:
        import pandas as pd
        import pyarrow as pa
    except ImportError as error:
        raise MissingExtra(_REMEDY) from error
    # What the program writes; it has no other types.
    types = {pa.int64(): pd.Int64Dtype(), pa.float64(): pd.Float64Dtype(), pa.string(): pd.StringDtype()}
    return table.to_pandas(types_mapper=types.get)


def csv_frame(path: Path, type_of: Callable[[str], str]) -> pd.DataFrame:
    """A CSV file for pandas; ``type_of`` gives the type of a column by its name, because an empty column tells none."""
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingExtra(_REMEDY) from error
    with path.open(encoding="utf-8", newline="") as file:
        types = {name: type_of(name) for name in next(csv.reader(file))}
    # A specimen may be called NA.
    return pd.read_csv(path, dtype=types, keep_default_na=False, na_values=[""])


def csv_rows(path: Path) -> list[dict[str, str | None]]:
    """The rows of a CSV file as texts; an empty field is ``None``."""
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: value or None for name, value in row.items()} for row in csv.DictReader(file)]
