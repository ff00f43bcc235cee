"""What a tick has decided goes into the store: proposals, claims and drift, in the transaction that decides. Effects: the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.flow import drift, holding, propose
from engine.flow.preview import Compared
from engine.flow.review import Verb, moved
from engine.flow.soundness import FleetState
from engine.kinds import Kinds
from engine.model import (
    AUTO_APPLY,
    Actor,
    Change,
    Difference,
    Event,
    NewProposal,
    Proposal,
    Repository,
    ResourceKey,
    Spec,
)
from engine.store import Transaction, episodes, events, live, proposals


@dataclass(frozen=True, slots=True)
class Recorder:
    """Writes for one run of one repository."""

    tx: Transaction
    kinds: Kinds
    actor: Actor
    repository: Repository
    run_id: int
    commit: str
    accounts: Sequence[Compared]

    def versions(self) -> None:
        """Every version that the file names is known from then on."""
        for account in self.accounts:
            if account.learned:
                live.put_versions(self.tx, account.live.account, account.learned)
                live.bump_accounts(self.tx, [account.live.account])

    def decision(self, decision: propose.Decision) -> list[int]:
        """Supersede and withdraw first, then open and reopen, then approve for auto-apply. Gives the ids opened or reopened, in apply order."""
        tx, name = self.tx, self.actor.name
        ended = [moved(proposal, Verb.SUPERSEDE, reason=why) for proposal, why in decision.superseded]
        ended += [moved(proposal, Verb.WITHDRAW, reason=why) for proposal, why in decision.withdrawn]
        proposals.move(tx, name, ended, self.run_id)
        proposals.move(tx, name, [moved(proposal, Verb.REOPEN) for proposal in decision.reopened], self.run_id)
        shown = _Shown(self.kinds, self.accounts)
        new = [shown.proposal(difference, decision.fingerprints[difference.key]) for difference in decision.opened]
        ids = proposals.open_all(tx, self.repository, self.run_id, self.commit, name, new)
        proposals.set_blast_radius(tx, shown.reach_moved(decision.kept))
        # Others look again, so that what one of them declares is known before it is destroyed.
        live.bump_accounts(tx, {d.key.account for d in decision.opened if d.change is Change.DESTROY})
        opened = {d.key: id_ for d, id_ in zip(decision.opened, ids, strict=True)}
        opened |= {proposal.key: proposal.id for proposal in decision.reopened}
        if decision.approved:
            by_key = {proposal.key: proposal for proposal in proposals.live_of(tx, repository_id=self.repository.id)}
            approved = [moved(by_key[key], Verb.APPROVE) for key in decision.approved]
            proposals.move(tx, AUTO_APPLY.name, approved, self.run_id)
        return [opened[key] for account in self.accounts for key in account.settled.ordering.order if key in opened]

    def claims(self) -> None:
        """Who holds what from now on, and who waits."""
        tx, repository = self.tx, self.repository
        live.set_waiting(tx, repository.id, [key for account in self.accounts for key, _ in account.diff.waiting])
        for account in self.accounts:
            live.put_claims(tx, repository.id, account.diff.claimed)
            live.delete_claims(tx, account.diff.released)
            holding.hand_over(tx, self.actor, repository, account.diff.handed_over, self.run_id)
            found = [self._event("gitops.adopted", key) for key in account.diff.adopted]
            found += [self._event("gitops.released", key, "no longer declared") for key in account.diff.released]
            events.record(tx, self.actor.name, found)

    def _event(self, type_: str, key: ResourceKey, reason: str | None = None) -> Event:
        return Event(type_, key.account, self.repository.id, self.run_id, None, key.kind, key.name, reason)

    def drift(self) -> None:
        """Open, go on with and close the drift episodes of what the repository holds."""
        differences = [d for account in self.accounts for d in account.diff.differences]
        standing = episodes.standing(self.tx, self.repository.id)
        drifting = drift.drifting(differences)
        if not standing and not drifting:
            return
        known = {episode.key for episode in standing}
        movers = self._movers([key for key in drifting if key not in known])
        released = {key for account in self.accounts for key in (*account.diff.released, *account.diff.handed_over)}
        fleets = {account.live.account: account.live for account in self.accounts}
        held = {}
        for key in known - released:
            fleet = fleets.get(key.account)
            if fleet is not None and key.name in fleet.claims.get(key.kind, {}):
                held[key] = fleet.versions.get(key.kind, {}).get(key.name)
        moves = drift.detect(differences, standing, held, movers)
        episodes.write(self.tx, self.actor.name, self.repository.id, self.run_id, moves)

    def _movers(self, keys: Sequence[ResourceKey]) -> dict[ResourceKey, tuple[datetime, str]]:
        """Who moved live first since git and live last agreed, for resources that drift since now."""
        fleets = {account.live.account: account.live for account in self.accounts}
        agreed: dict[ResourceKey, tuple[int, Spec]] = {}
        for key in keys:
            claim = fleets[key.account].claims[key.kind][key.name]
            if claim.base is not None and claim.base_version is not None:
                agreed[key] = (claim.base_version, claim.base)
        since = {key: version for key, (version, _) in agreed.items()}
        versions = live.versions_since(self.tx, since) if since else {}
        return {
            key: found
            for key, rows in versions.items()
            if (found := drift.first_move(self.kinds, key, agreed[key][1], rows))
        }


class _Shown:
    """The details of a difference for reviewers; computed only for those that are opened."""

    def __init__(self, kinds: Kinds, accounts: Sequence[Compared]) -> None:
        self._kinds = kinds
        self._accounts = {account.live.account: account for account in accounts}
        self._before: dict[str, FleetState] = {}

    def proposal(self, difference: Difference, fingerprint: str) -> NewProposal:
        return propose.presented(self._kinds, difference, fingerprint, self._state(difference))

    def reach_moved(self, kept: Sequence[tuple[Proposal, Difference]]) -> dict[int, int]:
        """Number of nodes that open proposals reach now, by id, if it differs from their recorded number."""
        now = {p.id: propose.blast_radius(self._kinds, p.key, self._state(d)) for p, d in kept}
        return {p.id: now[p.id] for p, _ in kept if now[p.id] != p.blast_radius}

    def _state(self, difference: Difference) -> FleetState:
        """The fleet in which the resource exists: as it will be, or, for a destroy, as it is."""
        account = self._accounts[difference.key.account]
        if difference.change is not Change.DESTROY:
            return account.settled.after
        if account.live.account not in self._before:
            self._before[account.live.account] = FleetState(
                self._kinds, account.live.specs, account.live.known_versions
            )
        return self._before[account.live.account]
