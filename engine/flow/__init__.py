"""The flow, in its order. `tick.py` alone puts the stages in order.

tick.py          one tick: sync, parse, diff, propose, apply what may be applied (effects: the store, by record.py)
sync/            a registered repository → the fleet file at a commit (effects: its git folder)
parse/           bytes → declared state, or every problem with its place
diff.py          declared and live → differences with their cause, and what must be withheld
propose.py       differences and standing proposals → what opens, reopens, ends, waits
review.py        a decision → a proposal's next status; when live has outdated it
plan.py          approved proposals and live → waves of steps, and what is skipped
apply.py         a plan → live fleet, one resource at a time (effects: the store)
drift.py         differences and open episodes → episodes opened and closed
export.py        a fleet → canonical fleet.yaml
revert.py        an applied proposal → its inverse

preview.py       a file beside the live fleet → what a tick would find; ticks and previews ask it alike
warnings.py      what a run warns of

What several stages ask: soundness.py (does a state hold together), order.py (in which order); and of the store: confirmations.py (may a
credential go to a host), hostkeys.py, holding.py (who holds a resource).
"""
