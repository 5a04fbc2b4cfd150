"""Callbacks from end to end: the real processes call a client's real receiver."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from standardwebhooks import Webhook
from taskforge.admin.v1 import deliveries_pb2

from tests.certificates import Authority
from tests.conftest import storage
from tests.courier import deliveries_of, delivery_of, hurry, redeliver, submit
from tests.ollama_peer import OllamaPeer
from tests.receiver import (
    Exchange,
    Flood,
    Received,
    Receiver,
    answering,
    dripping,
    dripping_body,
    silent,
)
from tests.stack import SPEC, Caller, Stack, request, running
from tests.storage import execute, identifier
from tests.waiting import eventually
from tickets.codec import enum_texts
from worker.queue import DELIVERIES, open_queue

JOBS = "/tickets/v1/jobs"
TIMEOUT_S = 4
_STATUS = enum_texts(deliveries_pb2.DeliveryStatus.DESCRIPTOR)
_holds = count(1)


@pytest.fixture(scope="module")
def calling(
    backend: str,
    peer: OllamaPeer,
    authority: Authority,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Stack]:
    """An installation that may call this machine, and trusts our authority."""
    environ = {
        "TASKFORGE_OLLAMA_URL": peer.url,
        **authority.callbacks(),
        "TASKFORGE_CALLBACK_TIMEOUT_S": str(TIMEOUT_S),
        "TASKFORGE_DRAIN_S": "1",
        **storage(backend, request),
    }
    with running(environ, tmp_path_factory.mktemp("calling")) as started:
        yield started


@pytest.fixture
def caller(calling: Stack) -> Iterator[Caller]:
    """A client of its own; nothing of its callbacks is left for the next test."""
    yield calling.caller()
    execute(calling, "DELETE FROM deliveries")


def cancelled(caller: Caller, receiver: Receiver) -> str:
    """A job that ends by being cancelled while the model is at it, so that only callbacks run."""
    job_id = submit(caller, receiver.url(), f"{SPEC} [[peer: hold callback-{next(_holds)}]]")
    caller.call("DELETE", f"{JOBS}/{job_id}")
    return job_id


def secret(caller: Caller) -> str:
    shown = caller.stack.run("clients", "callback-secret", caller.name)
    assert shown.returncode == 0, shown.stderr
    return shown.stdout.strip()


def verified(received: Received, text: str) -> Any:
    """The payload of a callback, once the library has found its signature good."""
    return Webhook(text).verify(received.body, dict(received.headers))


def settled(caller: Caller, job_id: str, attempts: int = 1) -> deliveries_pb2.Delivery:
    """The job's delivery, once so many attempts have been reported."""

    def ask() -> deliveries_pb2.Delivery | None:
        found = deliveries_of(caller.stack, job_id)
        return found[0] if found and len(found[0].attempts) == attempts else None

    delivery = eventually(ask)
    assert delivery is not None
    return delivery


def status(delivery: deliveries_pb2.Delivery) -> str:
    return _STATUS[delivery.status]


# What the receiver gets


def test_a_completed_job_is_told_and_its_result_can_be_fetched(
    caller: Caller, receiver: Receiver
) -> None:
    job_id = submit(caller, receiver.url("/jobs/{job_id}?id={job_id}"))

    [received] = receiver.wait()

    payload = verified(received, secret(caller))
    assert received.path == f"/jobs/{job_id}?id={job_id}"
    assert payload["type"] == "tickets.job.completed"
    result = caller.get(payload["data"].pop("result_url"))
    assert result.json()["job_id"] == job_id
    assert payload["data"] == caller.job(job_id)
    delivery = settled(caller, job_id)
    assert status(delivery) == "delivered"
    assert received.headers["webhook-id"] == delivery.delivery_id


def test_a_cancelled_job_is_told(caller: Caller, receiver: Receiver, peer: OllamaPeer) -> None:
    cancelled(caller, receiver)

    [received] = receiver.wait()

    assert verified(received, secret(caller))["type"] == "tickets.job.cancelled"


def test_nobody_is_called_for_a_job_without_a_callback_url(
    caller: Caller, receiver: Receiver
) -> None:
    job_id = caller.submit()
    caller.wait(job_id)
    told = submit(caller, receiver.url())

    receiver.wait()

    settled(caller, told)
    assert deliveries_of(caller.stack, job_id) == []
    assert [json.loads(one.body)["data"]["job_id"] for one in receiver.received] == [told]


def test_a_local_host_that_nobody_named_is_refused(caller: Caller) -> None:
    for url in ("https://127.0.0.1:8443/", "https://a.localhost/", "https://other/"):
        assert caller.post(request(callback_url=url)).status_code == 400


# What the receiver answers


def test_503_and_then_200(caller: Caller, receiver: Receiver) -> None:
    receiver.replies.extend([answering(503), answering(200)])
    job_id = submit(caller, receiver.url())
    waiting = settled(caller, job_id)
    job = caller.job(job_id)
    assert (status(waiting), waiting.attempts[0].problem) == (
        "pending",
        "the receiver answered with status 503",
    )

    hurry(caller.stack, job_id)

    first, second = receiver.wait(2)
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert verified(second, secret(caller))
    assert status(settled(caller, job_id, 2)) == "delivered"
    assert caller.job(job_id) == job


def test_the_receiver_may_ask_for_time(caller: Caller, receiver: Receiver) -> None:
    receiver.always = answering(429, Retry_After="1000")
    job_id = submit(caller, receiver.url())

    delivery = settled(caller, job_id)

    wait = delivery.next_attempt_at.ToDatetime() - delivery.attempts[0].ended_at.ToDatetime()
    assert 999 < wait.total_seconds() < 1001


def test_gone_stops_it(caller: Caller, receiver: Receiver) -> None:
    receiver.always = answering(410)
    job_id = submit(caller, receiver.url())

    assert status(settled(caller, job_id)) == "failed"


def test_a_redirect_to_this_machine_is_not_followed(
    caller: Caller, receiver: Receiver, authority: Authority
) -> None:
    with Receiver(authority.server_context("localhost")) as inside:
        receiver.always = answering(302, Location=inside.url())
        job_id = submit(caller, receiver.url())

        assert settled(caller, job_id).attempts[0].http_status == 302
        assert inside.connections == 0


def test_a_reply_of_a_gigabyte_is_not_read(caller: Caller, receiver: Receiver) -> None:
    receiver.always = flood = Flood()
    job_id = submit(caller, receiver.url())

    assert status(settled(caller, job_id)) == "delivered"
    assert flood.sent < 32 * 1024**2


def test_a_reply_that_drips_keeps_nobody(caller: Caller, receiver: Receiver) -> None:
    receiver.replies.extend([dripping, dripping_body])
    late = settled(caller, job_id := submit(caller, receiver.url()))
    hurry(caller.stack, job_id)

    taken = settled(caller, job_id, 2)

    assert late.attempts[0].problem == f"the receiver has not answered within {TIMEOUT_S} s"
    assert status(taken) == "delivered"


def test_a_stranger_with_the_receivers_address_gets_nothing(
    caller: Caller, authority: Authority, stranger: Authority
) -> None:
    for context in (
        stranger.server_context("localhost"),
        authority.server_context("hooks.example.com"),
    ):
        with Receiver(context) as other:
            delivery = settled(caller, submit(caller, other.url()))

            assert status(delivery) == "pending"
            assert "certificate is not valid" in delivery.attempts[0].problem
            assert other.received == []


def test_failed_callbacks_leave_the_job_as_it_is(caller: Caller, receiver: Receiver) -> None:
    receiver.always = answering(500)
    job_id = submit(caller, receiver.url())
    settled(caller, job_id)
    job, result = caller.job(job_id), caller.get(f"{JOBS}/{job_id}/result")
    for made in range(2, 9):
        hurry(caller.stack, job_id)
        delivery = settled(caller, job_id, made)

    assert status(delivery) == "failed"
    assert job["status"] == "completed"
    assert job["error"] is None
    assert caller.job(job_id) == job
    again = caller.get(f"{JOBS}/{job_id}/result")
    assert (again.content, again.headers["ETag"]) == (result.content, result.headers["ETag"])


# Who is held up


def test_a_slow_receiver_holds_up_nobody_else(
    caller: Caller, calling: Stack, receiver: Receiver, authority: Authority, peer: OllamaPeer
) -> None:
    hog = calling.caller()
    with Receiver(authority.server_context("localhost")) as slow:
        slow.always = silent
        hogs = [cancelled(hog, slow) for _ in range(12)]
        slow.wait(2)

        job_id = cancelled(caller, receiver)
        receiver.wait()
        delivered = settled(caller, job_id).attempts[0].ended_at.ToDatetime()
        # Counted before the first of them end and others take their places.
        held = len(slow.received)

        first_end = eventually(lambda: [d for j in hogs for d in attempts(hog, j)])
        assert delivered < min(first_end)
        # Two, and the few that were claimed at the same moment; without a bound it would be all.
        assert held < 8


def attempts(caller: Caller, job_id: str) -> list[Any]:
    """When a job's attempts ended."""
    return [
        attempt.ended_at.ToDatetime()
        for delivery in deliveries_of(caller.stack, job_id)
        for attempt in delivery.attempts
    ]


def test_a_busy_model_holds_up_no_callback(
    caller: Caller, receiver: Receiver, peer: OllamaPeer
) -> None:
    holds = [f"busy-{next(_holds)}" for _ in range(4)]
    busy = [caller.submit(f"{SPEC} [[peer: hold {name}]]") for name in holds]
    try:
        for job_id in busy:
            caller.wait(job_id, until=["processing"])
        waiting = submit(caller, receiver.url())
        caller.call("DELETE", f"{JOBS}/{waiting}")

        receiver.wait()

        assert {caller.job(job_id)["status"] for job_id in busy} == {"processing"}
    finally:
        for name in holds:
            peer.release(name)


# What may die


def test_a_lost_wake_up_loses_no_callback(caller: Caller, receiver: Receiver) -> None:
    stack = caller.stack
    stack.worker.stop()
    try:
        job_id = submit(caller, receiver.url())
        caller.call("DELETE", f"{JOBS}/{job_id}")
        assert status(delivery_of(caller.stack, job_id)) == "pending"
        url = stack.environ.get("TASKFORGE_QUEUE_URL") or f"sqlite:///{stack.folder / 'queue.db'}"
        queue, _ = open_queue(url, DELIVERIES, on_wake=lambda: None, patience_s=2)
        queue.flush()
    finally:
        stack.worker.start()

    receiver.wait()


def test_a_worker_that_is_killed_leaves_its_callback_to_another(
    caller: Caller, receiver: Receiver
) -> None:
    stack = caller.stack
    receiver.replies.append(silent)
    job_id = submit(caller, receiver.url())
    [first] = receiver.wait()

    stack.worker.kill()
    stack.worker.start()
    execute(
        stack,
        "UPDATE deliveries SET lease_expires_at = 1 WHERE job_id = ? AND status = 'delivering'",
        identifier(stack, job_id),
    )

    _, second = receiver.wait(2)
    assert second.headers["webhook-id"] == first.headers["webhook-id"]
    assert second.body == first.body
    delivery = settled(caller, job_id, 2)
    assert status(delivery) == "delivered"
    assert "was lost" in delivery.attempts[0].problem


def test_a_stopping_worker_gives_back_what_it_cannot_end(
    caller: Caller, receiver: Receiver
) -> None:
    stack = caller.stack
    receiver.replies.append(silent)
    job_id = submit(caller, receiver.url())
    [first] = receiver.wait()

    code = stack.worker.stop()
    try:
        released = delivery_of(caller.stack, job_id)
    finally:
        stack.worker.start()

    assert code == 0
    assert (status(released), list(released.attempts)) == ("pending", [])
    _, second = receiver.wait(2)
    assert second.headers["webhook-id"] == first.headers["webhook-id"]
    assert status(settled(caller, job_id)) == "delivered"


def test_a_stopping_worker_ends_what_it_can(caller: Caller, receiver: Receiver) -> None:
    stack = caller.stack
    stopping = threading.Event()

    def reply(exchange: Exchange) -> None:
        stopping.wait(30)
        exchange.answer(204)

    receiver.always = reply
    job_id = submit(caller, receiver.url())
    receiver.wait()

    os.kill(stack.worker.pid, signal.SIGTERM)
    stopping.set()
    assert stack.worker.stop() == 0
    try:
        assert status(delivery_of(caller.stack, job_id)) == "delivered"
    finally:
        stack.worker.start()


# What operators do


def test_an_operator_sends_a_callback_again(caller: Caller, receiver: Receiver) -> None:
    job_id = submit(caller, receiver.url())
    [first] = receiver.wait()
    delivery = settled(caller, job_id)

    done = caller.stack.run("deliveries", "redeliver", delivery.delivery_id, "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["delivery_id"] == delivery.delivery_id
    _, second = receiver.wait(2)
    assert second.headers["webhook-id"] == first.headers["webhook-id"] == delivery.delivery_id
    assert second.body == first.body
    assert verified(second, secret(caller))
    settled(caller, job_id, 2)


def test_an_operator_sees_every_attempt(caller: Caller, receiver: Receiver) -> None:
    receiver.replies.extend([answering(503), answering(200)])
    job_id = submit(caller, receiver.url())
    settled(caller, job_id)
    hurry(caller.stack, job_id)
    settled(caller, job_id, 2)

    done = caller.stack.run("deliveries", "list", job_id, "--json")

    [shown] = json.loads(done.stdout)["deliveries"]
    failed, taken = shown.pop("attempts")
    assert shown.pop("created_at") < taken["started_at"] <= shown.pop("ended_at")
    assert shown == {
        "delivery_id": receiver.received[0].headers["webhook-id"],
        "job_id": job_id,
        "type": "tickets.job.completed",
        "url": receiver.url(),
        "status": "delivered",
        "next_attempt_at": None,
    }
    problem = "the receiver answered with status 503"
    assert (failed["http_status"], failed["error_code"]) == (503, "callback_failed")
    assert (taken["http_status"], taken["error_code"], taken["problem"]) == (200, None, None)
    table = caller.stack.run("deliveries", "list", job_id)
    assert problem == failed["problem"]
    assert problem in table.stdout
    assert receiver.url() in table.stderr


def test_an_operator_is_told_when_there_is_no_callback(caller: Caller) -> None:
    job_id = caller.submit()

    done = caller.stack.run("deliveries", "list", job_id)

    assert (done.returncode, done.stdout) == (0, "")
    assert "no callback URL" in done.stderr
    refused = caller.stack.run("deliveries", "redeliver", job_id)
    assert refused.returncode == 1
    assert "DELIVERY_NOT_FOUND" in refused.stderr


def test_an_operator_rotates_the_secret(caller: Caller, receiver: Receiver) -> None:
    old = secret(caller)
    stack = caller.stack
    done = stack.run("clients", "callback-secret", caller.name, "--rotate", "--overlap", "1h")
    assert done.returncode == 0, done.stderr
    new = done.stdout.strip()
    job_id = submit(caller, receiver.url())

    [received] = receiver.wait()

    assert old != new == secret(caller)
    assert verified(received, old) == verified(received, new)
    assert len(received.headers["webhook-signature"].split()) == 2
    done = stack.run("clients", "callback-secret", caller.name, "--rotate", "--overlap", "0s")
    newest = done.stdout.strip()
    redeliver(stack, settled(caller, job_id).delivery_id)
    _, again = receiver.wait(2)
    assert verified(again, newest)
    assert len(again.headers["webhook-signature"].split()) == 1
    settled(caller, job_id, 2)


def test_no_secret_and_no_address_is_logged(caller: Caller, receiver: Receiver) -> None:
    job_id = submit(caller, receiver.url("/hook?token=quite-secret"))
    receiver.wait()
    settled(caller, job_id)

    logs = caller.stack.logs()
    assert secret(caller) not in logs
    assert "quite-secret" not in logs
    assert "Traceback" not in logs
