"""The stages of the flow, in order. Only `tick.py` runs them in sequence.

tick.py          one tick: sync, parse, diff, propose, apply, drift (effects: the store)
sync/            a registered repository → the fleet file at a commit (effects: its git folder)
parse/           bytes → declared state, or every problem with its place
diff.py          declared and live → differences with their cause, and withheld differences
propose.py       differences and open proposals → proposals to open, reopen and end, and withheld differences
review.py        a decision → a proposal's next status; when a proposal is stale
plan.py          approved proposals and live → waves of steps, and skipped proposals
apply.py         a plan → live fleet, one resource at a time (effects: the store)
drift.py         differences and open episodes → episodes opened and closed
export.py        a fleet → canonical fleet.yaml
revert.py        an applied proposal → its inverse

Shared by several stages: soundness.py (rules of a valid fleet), order.py (order of changes); and with the store: confirmations.py (may a
credential go to a host), hostkeys.py, holding.py (ownership of resources).
"""
