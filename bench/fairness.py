"""How long clients with one job wait beside a hog: core's claims, with time simulated.

Every generation takes the same time on every slot, so waits are counted in
generations. The claims, their order and their counters are core's own, on a
SQLite database. Ends by itself, in under a minute.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid4

from taskforge.tickets.v1 import jobs_pb2

from core import database, jobs, leases, migrate
from core.access import Caller
from core.leases import Lease
from core.models import Client
from tickets.settings import load

SETTINGS = load({}, lambda path: Path(path).read_text())
OPTIONS = jobs_pb2.TicketGenerationOptions()
PLENTY = 2**31 - 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hog", type=int, default=10_000)
    parser.add_argument("--others", type=int, default=99)
    parser.add_argument("--slots", type=int, nargs="+", default=[1, 4, 16])
    arguments = parser.parse_args()
    for slots in arguments.slots:
        alone = waits(0, arguments.others, slots)
        beside = waits(arguments.hog, arguments.others, slots)
        longer = [late - early for early, late in zip(alone, beside, strict=True)]
        print(
            f"{slots} slots: the last of {arguments.others} begins after {max(alone)} generations,"
            f" beside the hog after {max(beside)}; longest delay {max(longer)}"
        )


def waits(hog: int, others: int, slots: int) -> Sequence[int]:
    """How many generations each client with one job waits, sorted, when the hog came first."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/fairness.db"
        migrate.migrate(url)
        opened = database.connect(url)
        try:
            greedy = _client()
            _submit(greedy, hog)
            # It holds every slot before the others come.
            running = _claim(slots)
            modest = [_client() for _ in range(others)]
            for client in modest:
                _submit(client, 1)
            return _rounds(running, slots, {client.client_id for client in modest})
        finally:
            opened.close()


def _rounds(running: list[tuple[UUID, Lease]], slots: int, waiting: set[UUID]) -> list[int]:
    began: list[int] = []
    generation = 0
    while len(began) < len(waiting):
        if running:
            generation += 1
        for _, lease in running:
            # The room that a generation takes is given back; what it made is of no account.
            leases.complete(lease, leases.Outcome(b"", b"{}"))
        running = _claim(slots)
        began += [generation for client, _ in running if client in waiting]
    return began


def _claim(slots: int) -> list[tuple[UUID, Lease]]:
    taken = []
    for _ in range(slots):
        token = uuid4()
        if claimed := leases.claim("worker", token, SETTINGS):
            taken.append((claimed[0].client_id, Lease(claimed[0].id, token)))
    return taken


def _client() -> Caller:
    client = uuid4()
    Client.create(id=client, name=str(client), features="tickets", created_at=0)
    return Caller(client, str(client), "key", PLENTY)


def _submit(caller: Caller, count: int) -> None:
    for number in range(count):
        submission = jobs.Submission(str(number), "Title", "Spec", OPTIONS, None, b"")
        jobs.submit(caller, submission, SETTINGS.job_ttl_s)


if __name__ == "__main__":
    main()
