"""A store as large as a busy home becomes in years: made by statements over whole sets, so that it takes seconds.

Shape by default: 10,000 live resources in one account with a million versions behind them, 1,000 repositories, 100,000 proposals
of which 20,000 are live, 50,000 runs, 300,000 events, 2,000 drift episodes. Everything refers to something that exists.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from engine.kinds.fleet import FLEET
from engine.store import Store
from engine.workbench import utc_now

ACCOUNT = "acme"

_FLEET = """
CREATE TEMP TABLE fleet AS
SELECT 'modules' AS kind, format('module-{:04d}', i) AS name,
       to_json({description: 'Module of the test fleet', priority: i % 100, variety: 'config', version: format('1.{}.0', i % 30),
                config: {workers: i % 16, mode: 'safe'}, depends_on: []::VARCHAR[]}) AS spec
FROM range($modules) t(i)
UNION ALL
SELECT 'templates', format('template-{:03d}', i),
       to_json({description: '', node_platform_id: '', config: {}::JSON,
                modules: [format('module-{:04d}', (i * 7 + k) % $modules) for k in range(4)]})
FROM range($templates) t(i)
UNION ALL
SELECT 'nodes', format('node-{:05d}', i),
       to_json({template: format('template-{:03d}', i % $templates), lifecycle_class: 'persistent', labels: {rack: format('r{}', i % 40), site: 'fra'}})
FROM range($nodes) t(i)
UNION ALL
SELECT 'assignments', format('node-{:05d}:module-{:04d}', i % $nodes, (i * 13 + i // $nodes) % $modules),
       to_json({enabled: i % 5 > 0, priority: i % 100, config: {}::JSON})
FROM range($assignments) t(i)
"""

_STATEMENTS = [
    """INSERT INTO accounts VALUES ($account, 1, $then)""",
    """CREATE TEMP TABLE placed AS
       SELECT kind, name, any_value(spec)::VARCHAR AS spec, row_number() OVER (ORDER BY kind, name) AS n FROM fleet GROUP BY kind, name""",
    """INSERT INTO resources
       SELECT $account || '/' || kind || '/' || name, $account, kind, name, spec, $versions, $now - to_seconds(n), 'ana' FROM placed""",
    """INSERT INTO resource_history
       SELECT (v - 1) * (SELECT count(*) FROM placed) + n, $account || '/' || kind || '/' || name, $account, kind, name, v, spec,
              CASE WHEN v = $versions THEN $now - to_seconds(n) ELSE $then + to_hours(v) + to_milliseconds(n) END,
              CASE WHEN v = $versions THEN NULL WHEN v = $versions - 1 THEN $now - to_seconds(n) ELSE $then + to_hours(v + 1) + to_milliseconds(n) END,
              CASE WHEN v % 3 = 0 THEN 'ben' ELSE 'ana' END, CASE WHEN v % 3 = 0 THEN 'edit' ELSE 'apply' END,
              CASE WHEN v % 3 = 0 THEN NULL ELSE (n * 31 + v) % $proposals + 1 END, NULL, NULL
       FROM placed, range(1, $versions + 1) t(v)""",
    """INSERT INTO gitops_repositories
       SELECT i + 1, format('repository-{:04d}', i), format('repository-{:04d}', i), $account, format('https://git.example.com/team-{}/fleet.git', i),
              'main', '', NULL, true, i % 10 = 0, false, false, false, NULL, NULL, NULL,
              CASE WHEN i % 50 = 7 THEN 3 ELSE 0 END, NULL, $then, NULL, 1, NULL
       FROM range($repositories) t(i)""",
    """INSERT INTO claims
       SELECT $account || '/' || kind || '/' || name, $account, kind, name, n % $repositories + 1, $then, spec, 'abcdef0123', $versions, 0
       FROM placed WHERE n % 20 > 0""",
    """INSERT INTO gitops_sync_runs (id, repository_id, repository, account, trigger, actor, status, started_at, finished_at, revision, author, subject,
                                     committed_at, stages, diff_count, remaining, opened, counts, informational, proposal_ids, warnings, error, inputs)
       SELECT i + 1, i % $repositories + 1, format('repository-{:04d}', i % $repositories), $account, 'schedule', 'gitops_scheduler',
              CASE WHEN i >= $runs - $repositories AND i % $repositories % 50 = 7 THEN 'failed' WHEN i % 9 = 0 THEN 'partial' ELSE 'applied' END,
              $then + to_minutes(i), $then + to_minutes(i) + to_milliseconds(180), md5(i::VARCHAR), 'Ana Duarte', format('Change number {}', i), $then + to_minutes(i),
              '[{"stage":"sync","seconds":0.04},{"stage":"parse","seconds":0.02},{"stage":"diff","seconds":0.01}]',
              4, 2, 2, '{"modules":{"create":1,"update":2,"destroy":1,"unchanged":40}}', '[]', [i * 2 % $proposals + 1, (i * 2 + 1) % $proposals + 1], '[]',
              CASE WHEN i >= $runs - $repositories AND i % $repositories % 50 = 7 THEN '{"code":"FLEET-201","message":"The remote cannot be fetched.","hint":"Check it."}' END, NULL
       FROM range($runs) t(i)""",
    """INSERT INTO proposals (id, live_key, repository_id, repository, key, account, kind, name, change, status, current, desired, declared, base, fields,
                              cause, origin, fingerprint, revision, run_id, refers_to, blast_radius, reopened_count, reason, error, opened_at, decided_at,
                              decided_by, ended_at)
       SELECT i + 1, CASE WHEN i >= $proposals - $live THEN format('{}/{}', p.n % $repositories + 1, $account || '/' || p.kind || '/' || p.name || '/' || i) END,
              p.n % $repositories + 1, format('repository-{:04d}', p.n % $repositories), $account || '/' || p.kind || '/' || p.name, $account, p.kind, p.name,
              CASE i % 10 WHEN 0 THEN 'create' WHEN 1 THEN 'destroy' ELSE 'update' END,
              CASE WHEN i < $proposals - $live THEN (CASE WHEN i % 7 = 0 THEN 'superseded' ELSE 'applied' END)
                   WHEN i % 40 = 0 THEN 'approved' WHEN i % 8 = 1 THEN 'failed' WHEN i % 8 = 2 THEN 'rejected' ELSE 'pending' END,
              p.spec, p.spec, ['priority'], p.spec, '[{"path":"priority","change":"changed","current":50,"desired":60,"base":50}]',
              CASE i % 3 WHEN 0 THEN 'live_moved' ELSE 'git_moved' END, 'git', md5(i::VARCHAR), md5((i // 2)::VARCHAR), i // 2 + 1, []::VARCHAR[], i % 25, 0,
              CASE WHEN i % 8 = 2 THEN 'not now' END, NULL, $now - to_minutes($proposals - i), $now - to_minutes($proposals - i), 'ana',
              CASE WHEN i < $proposals - $live THEN $now - to_minutes($proposals - i) END
       FROM range($proposals) t(i) JOIN placed p ON p.n = i % (SELECT count(*) FROM placed) + 1""",
    """INSERT INTO fleet_events (seq, happened_at, type, actor, account, repository_id, run_id, proposal_id, kind, name, reason, data)
       SELECT i + 1, $then + to_seconds(i * 10),
              CASE i % 4 WHEN 0 THEN 'gitops.proposal_opened' WHEN 1 THEN 'gitops.proposal_approved' WHEN 2 THEN 'gitops.proposal_applied' ELSE 'fleet.updated' END,
              CASE WHEN i % 2 = 0 THEN 'ana' ELSE 'ben' END, $account, i % $repositories + 1, i % $runs + 1, i % $proposals + 1, p.kind, p.name, NULL, NULL
       FROM range($events) t(i) JOIN placed p ON p.n = i % (SELECT count(*) FROM placed) + 1""",
    """INSERT INTO drift_episodes (id, repository_id, account, kind, name, change, fields, severity, moved_by, moved_at, opened_at, opened_run, closed_at, closed_run,
                                   outcome, live_version)
       SELECT i + 1, p.n % $repositories + 1, $account, p.kind, p.name, 'update', '[{"path":"priority","base":50,"live":60,"desired":50}]',
              CASE WHEN i % 6 = 0 THEN 'high' ELSE 'medium' END, 'ben', $now - to_hours($episodes - i + 1), $now - to_hours($episodes - i), 1,
              CASE WHEN i < $episodes - 40 THEN $now - to_hours($episodes - i) + to_minutes(50) END, CASE WHEN i < $episodes - 40 THEN 2 END,
              CASE WHEN i < $episodes - 40 THEN 'reverted' END, 1
       FROM range($episodes) t(i) JOIN placed p ON p.n = (i * 37) % (SELECT count(*) FROM placed) + 1""",
    """INSERT INTO withheld_diffs
       SELECT i + 1, i % $repositories + 1, $account, 'modules', format('waiting-{:05d}', i), 'create', CASE WHEN i % 5 = 0 THEN 'conflict' ELSE 'cap' END,
              'waits for the cap', i, $runs - $repositories + i % $repositories, $now, NULL, NULL, '[]'
       FROM range($withheld) t(i)""",
]

_SEQUENCES = {
    "event_seq": "events", "history_seq": "history", "repository_id": "repositories", "run_id": "runs", "proposal_id": "proposals",
    "episode_id": "episodes", "withheld_id": "withheld",
}  # fmt: skip


def fill(home: Path, *, scale: float = 1.0, resources: int = 10_000, versions: int = 100) -> dict[str, int]:
    """Make a large store in a home that has none; gives how many rows of each there are. `scale` shrinks all but the fleet."""
    Store.open(home, FLEET, utc_now, lock_wait_s=0).close()
    sizes = {
        "modules": max(10, resources // 50),
        "templates": max(5, resources // 200),
        "nodes": resources * 3 // 10,
        "assignments": resources * 13 // 20,
        "versions": versions,
        "repositories": max(1, int(1_000 * scale)),
        "proposals": int(100_000 * scale),
        "live": int(20_000 * scale),
        "runs": int(50_000 * scale),
        "events": int(300_000 * scale),
        "episodes": int(2_000 * scale),
        "withheld": int(5_000 * scale),
        "history": resources * versions * 2,
    }
    now = datetime.now(UTC)
    with duckdb.connect(str(next(home.glob("*.duckdb")))) as store:
        store.execute("SET TimeZone = 'UTC'")
        for text in (_FLEET, *_STATEMENTS):
            values = {**sizes, "account": ACCOUNT, "now": now, "then": datetime(2025, 1, 1, tzinfo=UTC)}
            store.execute(text, {name: value for name, value in values.items() if f"${name}" in text})
        for sequence, counted in _SEQUENCES.items():
            store.execute(f"DROP SEQUENCE {sequence}")
            store.execute(f"CREATE SEQUENCE {sequence} START {sizes[counted] + 1}")
    return sizes
