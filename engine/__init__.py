"""Fleet Workbench's engine, in the order of the flow: sync, parse, diff, propose, review, plan, apply, export.

Pages, the command line, the API and notebooks reach it through `engine.workbench` alone.
"""
