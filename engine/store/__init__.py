"""The platform store: one DuckDB file, one process. The only package that imports duckdb.

Other stages take a `Transaction` and the functions of this package's modules; rows become domain objects here and nowhere else.
"""

from engine.store.database import FILE_NAME, Store, Transaction

__all__ = ["FILE_NAME", "Store", "Transaction"]
