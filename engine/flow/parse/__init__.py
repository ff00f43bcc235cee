"""Parse: the bytes of a fleet file in, the desired state that it declares out, or every problem of the file at once.

    bytes -> events.py (structure, with scalars.py) -> document.py (meaning, by kinds) -> FleetFile -> advice.py (warnings)
             accidents.py recognizes files that are not fleet files at all
             differing.py finds what other YAML readers take otherwise
             positions.py finds lines and columns, once there is something to report

Pure: no store, no git, no clock. The codes are in `codes.py`.
"""

from engine.flow.parse.advice import file_warnings
from engine.flow.parse.codes import CODES
from engine.flow.parse.document import DEFAULT_LIMIT, FleetFile, read_fleet_file

__all__ = ["CODES", "DEFAULT_LIMIT", "FleetFile", "file_warnings", "read_fleet_file"]
