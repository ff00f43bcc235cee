"""What bodies look like, for the description of the API; tests hold them against its schemas."""

from __future__ import annotations

from typing import Any

from engine.model import SWITCHES

REGISTRATION: dict[str, Any] = {
    "gitops_repository": {
        "name": "fleet-config",
        "repo_url": "git@gitea.example.com:acme/fleet-config.git",
        "branch": "main",
        "vault_credential_path": "secret/data/fleet/deploy-key",
        "path_prefix": "",
        "enabled": True,
        "auto_apply": False,
    }
}
SEEN_CREDENTIAL: dict[str, Any] = {
    "vault_credential_path": "secret/data/fleet/deploy-key",
    "host": "gitea.example.com:22",
}
CHANGES: dict[str, Any] = {"gitops_repository": {"path_prefix": "environments/prod", "auto_apply": True}}
REJECTION: dict[str, Any] = {"reason": "not before the sale is over"}
REVIEW: dict[str, Any] = {"ids": [42, 43], "action": "approve"}
REVIEWED: dict[str, Any] = {"items": [{"id": 42, "status": "approved", "error": None}]}

REPOSITORY: dict[str, Any] = {
    "gitops_repository": {
        "id": 1,
        "name": "fleet-config",
        "account": "acme",
        "repo_url": "git@gitea.example.com:acme/fleet-config.git",
        "branch": "main",
        "path_prefix": "",
        "vault_credential_path": "secret/data/fleet/deploy-key",
        "ssh_host_key": None,
        "enabled": True,
        **{switch.name: switch.default for switch in SWITCHES},
        "paused": None,
        "failure_count": 0,
        "next_attempt_at": None,
        "created_at": "2026-11-24T08:00:00.000000Z",
    }
}

SETTINGS: dict[str, Any] = {
    **REPOSITORY,
    "notes": [
        "The ssh host key of the old host is dropped; the first run pins what the new host shows.",
    ],
}

PROPOSAL: dict[str, Any] = {
    "id": 42,
    "account": "acme",
    "kind": "modules",
    "name": "nginx-public",
    "change": "update",
    "status": "pending",
    "current": {"config": {"nginx_workers": 4}},
    "desired": {"config": {"nginx_workers": 8}},
    "base": {"config": {"nginx_workers": 4}},
    "fields": [{"path": "config.nginx_workers", "change": "changed", "base": 4, "current": 4, "desired": 8}],
    "cause": "git_moved",
    "origin": "git",
    "fingerprint": "0d2c8f1b6a54e39c",
    "repository": "fleet-config",
    "repository_id": 1,
    "revision": "9f2c41d07be3a5c8861f4d0b27e9a3c5d1f08b64",
    "run_id": 7,
    "reverts": None,
    "references": [],
    "blast_radius": 2,
    "risk": "low",
    "reopened_count": 0,
    "reason": None,
    "error": None,
    "opened_at": "2026-11-24T08:05:00.000000Z",
    "decided_at": None,
    "decided_by": None,
    "ended_at": None,
}

RUN: dict[str, Any] = {
    "id": 7,
    "repository": "fleet-config",
    "repository_id": 1,
    "account": "acme",
    "status": "applied",
    "unchanged": False,
    "trigger": "manual",
    "actor": "token:ci",
    "revision": "9f2c41d07be3a5c8861f4d0b27e9a3c5d1f08b64",
    "author": "Ana Duarte",
    "subject": "Eight workers for nginx",
    "committed_at": "2026-11-24T08:04:10.000000Z",
    "started_at": "2026-11-24T08:05:00.000000Z",
    "finished_at": "2026-11-24T08:05:00.210000Z",
    "stages": [{"stage": "sync", "seconds": 0.12}, {"stage": "parse", "seconds": 0.01}],
    "diff_count": 1,
    "remaining": 0,
    "opened": 1,
    "counts": {"modules": {"create": 0, "update": 1, "destroy": 0, "unchanged": 12}},
    "informational": [],
    "waiting": [],
    "proposal_ids": [42],
    "applied_actions": [
        {
            "id": 42,
            "kind": "modules",
            "name": "nginx-public",
            "change": "update",
            "wave": 1,
            "apply_id": 3,
            "actor": "token:ci",
            "at": "2026-11-24T08:06:00.000000Z",
            "error": None,
        }
    ],
    "failed_actions": [],
    "withheld": [],
    "warnings": [],
    "error": None,
    "request_id": "4f1c2a9be07d5368",
}

SYNC: dict[str, Any] = {
    "gitops_sync_run": {**RUN, "status": "success", "applied_actions": []},
    "proposals": [PROPOSAL],
}

APPLIED: dict[str, Any] = {
    "applied": [
        {
            "id": 42,
            "account": "acme",
            "kind": "modules",
            "name": "nginx-public",
            "change": "update",
            "repository": "fleet-config",
            "wave": 1,
            "blast_radius": 2,
        }
    ],
    "failed": [],
    "skipped": [],
    "stopped": None,
}

RESOURCE: dict[str, Any] = {
    "account": "acme",
    "kind": "modules",
    "name": "nginx-public",
    "spec": {"priority": 60, "variety": "config", "config": {"nginx_workers": 8}},
    "version": 4,
    "updated_at": "2026-11-24T08:06:00.000000Z",
    "updated_by": "token:ci",
    "repository": "fleet-config",
    "owned": True,
}

WANTED_REPOSITORY: dict[str, Any] = {"owner": "acme", "repo": "fleet-config", "private": True}
CREATED_REPOSITORY: dict[str, Any] = {
    **WANTED_REPOSITORY,
    "clone_url": "https://gitea.example.com/acme/fleet-config.git",
    "ssh_url": "git@gitea.example.com:acme/fleet-config.git",
    "html_url": "https://gitea.example.com/acme/fleet-config",
    "default_branch": "main",
}
