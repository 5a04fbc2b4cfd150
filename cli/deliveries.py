"""`taskforge deliveries`: how callbacks went, and sending them again."""

from typing import Any

import click
from taskforge.admin.v1 import deliveries_pb2

from cli import admin
from cli.help import Group
from cli.output import json_option, print_json, print_table, say
from cli.times import time_json
from tickets.codec import enum_texts

_STATUS = enum_texts(deliveries_pb2.DeliveryStatus.DESCRIPTOR)


@click.group(cls=Group)
def deliveries() -> None:
    """See how callbacks of jobs that have ended are delivered; send them again.

    For operators: talks to core at TASKFORGE_CORE_ADDR.

    Example:
      taskforge deliveries list JOB_ID
      taskforge deliveries redeliver DELIVERY_ID
    """


@deliveries.command("list")
@click.argument("job_id")
@json_option
def list_deliveries(job_id: str, as_json: bool) -> None:
    """List the deliveries of a job, with every attempt."""
    request = deliveries_pb2.ListDeliveriesRequest(job_id=job_id)
    with admin.connect() as core:
        answer = core.call(core.deliveries.ListDeliveries, request)
    found = [delivery_json(delivery) for delivery in answer.deliveries]
    if as_json:
        print_json({"deliveries": found})
        return
    for delivery in found:
        _print(delivery)
    if not found:
        say(f"Job {job_id} has none: it has no callback URL, or has not ended.")


@deliveries.command()
@click.argument("delivery_id")
@json_option
def redeliver(delivery_id: str, as_json: bool) -> None:
    """Send a callback again, at once, with the same webhook-id and content."""
    request = deliveries_pb2.RedeliverRequest(delivery_id=delivery_id)
    with admin.connect() as core:
        delivery = core.call(core.deliveries.Redeliver, request)
    if as_json:
        print_json(delivery_json(delivery))
    else:
        say(f"Delivery {delivery.delivery_id} of job {delivery.job_id} is sent again.")


def delivery_json(delivery: deliveries_pb2.Delivery) -> dict[str, Any]:
    """A delivery as JSON; times that are not set are null."""
    return {
        "delivery_id": delivery.delivery_id,
        "job_id": delivery.job_id,
        "type": delivery.type,
        "url": delivery.url,
        "status": _STATUS[delivery.status],
        "created_at": time_json(delivery.created_at),
        "next_attempt_at": time_json(delivery.next_attempt_at),
        "ended_at": time_json(delivery.ended_at),
        "attempts": [_attempt_json(attempt) for attempt in delivery.attempts],
    }


def _attempt_json(attempt: deliveries_pb2.DeliveryAttempt) -> dict[str, Any]:
    return {
        "worker_id": attempt.worker_id,
        "started_at": time_json(attempt.started_at),
        "ended_at": time_json(attempt.ended_at),
        "http_status": attempt.http_status if attempt.HasField("http_status") else None,
        "error_code": attempt.error_code or None,
        "problem": attempt.problem or None,
    }


def _print(delivery: dict[str, Any]) -> None:
    say(f"{delivery['delivery_id']}: {delivery['type']} to {delivery['url']}")
    waits = delivery["next_attempt_at"]
    say(f"{delivery['status']}, next attempt at {waits}" if waits else delivery["status"])
    print_table(
        ["attempt", "started", "ended", "answer", "problem"],
        [
            [
                number,
                attempt["started_at"],
                attempt["ended_at"],
                attempt["http_status"] or "none",
                attempt["problem"],
            ]
            for number, attempt in enumerate(delivery["attempts"], start=1)
        ],
        flexible=["problem"],
    )
