"""The stages of the flow, in order. Only `tick.py` runs them in sequence.

tick.py          one tick: sync, parse, diff, propose, apply what may be applied (effects: the store, by record.py)
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

preview.py       a file and the live fleet → what a tick would find; ticks and previews share it
warnings.py      the warnings of a run

Shared by several stages: soundness.py (rules of a valid fleet), order.py (order of changes); and with the store: record.py (the decisions of
a tick), confirmations.py (may a credential go to a host), pinning.py (ssh host keys), holding.py (ownership of resources).
"""
