"""Changes the engine by one line at a time and tells which changes no test noticed: `uv run python -m tests.mutation --help`.

Own code, since the libraries for it (cosmic-ray, mutmut) change Python alone, and half of our rules are SQL.
"""
