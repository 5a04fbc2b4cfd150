"""What workers tell of their attempts, kept with the job for operators.

It is stored as it comes, compressed, in the transaction that ends the attempt,
and read by nobody until an operator asks.
"""

import logging
import zlib
from uuid import UUID

from google.protobuf.message import DecodeError
from taskforge.worker.v1 import provenance_pb2

from core import clock, jobs
from core.models import JobAttempt
from core.prepared import Insert
from tickets.lifecycle import Verb

log = logging.getLogger(__name__)

# What a worker may bring, and what it may unpack to.
_LARGEST = 256 * 1024
_LARGEST_UNPACKED = 16 * 1024 * 1024

_OUTCOMES = {Verb.COMPLETE: "completed", Verb.FAIL: "failed", Verb.RETRY: "retried"}
_INSERT = Insert(JobAttempt, "job", "number", "ended_at", "outcome", "provenance")


def keep(job_id: UUID, number: int, verb: Verb, packed: bytes) -> None:
    """Stores what a worker tells of the attempt that it has just ended.

    Args:
        job_id: The job.
        number: Of the attempt, from 1.
        verb: How the attempt ended.
        packed: A `Provenance`, serialized and compressed; empty: nothing is told.
    """
    if len(packed) > _LARGEST:
        log.warning("job %s: %d bytes of provenance are too many", job_id, len(packed))
    elif packed:
        _INSERT.row(
            job=job_id,
            number=number,
            ended_at=clock.now(),
            outcome=_OUTCOMES[verb],
            provenance=packed,
        )


def of_job(job_id: UUID) -> list[JobAttempt]:
    """The attempts that were told of, oldest first.

    Raises:
        TaskForgeError: JOB_NOT_FOUND.
    """
    job = jobs.of_anybody(job_id)
    return list(JobAttempt.select().where(JobAttempt.job == job.id).order_by(JobAttempt.number))


def unpacked(packed: bytes) -> provenance_pb2.Provenance:
    """What was told; empty when it cannot be read."""
    try:
        content = zlib.decompressobj().decompress(packed, _LARGEST_UNPACKED)
        return provenance_pb2.Provenance.FromString(content)
    except (zlib.error, DecodeError):
        log.warning("what a worker told of an attempt cannot be read")
        return provenance_pb2.Provenance()
