"""What a callback says and who signs it: one for each end of a job, as the job then stands."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook
from taskforge.admin.v1 import clients_pb2

from tests.courier import (
    Courier,
    Parcel,
    deliveries_of,
    delivery_of,
    ended_job,
    hurry,
    submit,
)
from tests.hands import Hands, beat_request
from tests.operators import suspend
from tests.stack import Caller, Stack, request
from tests.storage import execute, identifier
from tests.waiting import eventually

JOBS = "/tickets/v1/jobs"


def secret(caller: Caller) -> str:
    stack = caller.stack
    asked = clients_pb2.GetCallbackSecretRequest(name=caller.name)
    return stack.clients.GetCallbackSecret(asked, metadata=stack.operator).secret


def rotate(caller: Caller, overlap_s: int) -> clients_pb2.CallbackSecret:
    stack = caller.stack
    asked = clients_pb2.RotateCallbackSecretRequest(name=caller.name)
    asked.overlap.FromSeconds(overlap_s)
    return stack.clients.RotateCallbackSecret(asked, metadata=stack.operator)


def opened_with(text: str, parcel: Parcel) -> Any:
    """The payload, once the library has verified it with a secret."""
    return Webhook(text).verify(parcel.delivery.body, dict(parcel.delivery.headers))


def signatures(parcel: Parcel) -> list[str]:
    return parcel.delivery.headers["webhook-signature"].split(" ")


# When a job ends


def complete(caller: Caller, hands: Hands) -> str:
    return ended_job(caller, hands)


def fail(caller: Caller, hands: Hands) -> str:
    job_id = submit(caller)
    hands.fail(hands.take(job_id), message="the model wrote prose")
    return job_id


def give_up(caller: Caller, hands: Hands) -> str:
    job_id = submit(caller)
    hands.take(job_id)
    execute(
        caller.stack,
        "UPDATE jobs SET lease_losses = 9, lease_expires_at = 1 WHERE id = ?",
        identifier(caller.stack, job_id),
    )
    caller.wait(job_id)
    return job_id


def cancel_queued(caller: Caller, hands: Hands) -> str:
    job_id = submit(caller)
    caller.call("DELETE", f"{JOBS}/{job_id}")
    return job_id


def cancel_running(caller: Caller, hands: Hands) -> str:
    job_id = submit(caller)
    held = hands.take(job_id)
    caller.call("DELETE", f"{JOBS}/{job_id}")
    hands.reason("Heartbeat", beat_request(held))
    return job_id


def expire(caller: Caller, hands: Hands) -> str:
    job_id = submit(caller)
    execute(
        caller.stack,
        "UPDATE jobs SET expires_at = 1 WHERE id = ?",
        identifier(caller.stack, job_id),
    )
    caller.wait(job_id)
    return job_id


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (complete, "completed"),
        (fail, "failed"),
        (give_up, "failed"),
        (cancel_queued, "cancelled"),
        (cancel_running, "cancelled"),
        (expire, "expired"),
    ],
)
def test_each_end_makes_one_callback_that_shows_the_job(
    idle_caller: Caller,
    hands: Hands,
    courier: Courier,
    end: Callable[[Caller, Hands], str],
    status: str,
) -> None:
    job_id = end(idle_caller, hands)
    job = idle_caller.job(job_id)

    parcel = courier.take()

    payload = opened_with(secret(idle_caller), parcel)
    assert payload == {
        "type": f"tickets.job.{status}",
        "timestamp": job["updated_at"],
        "data": {**job, "result_url": f"{JOBS}/{job_id}/result"},
    }
    assert job["status"] == status
    assert parcel.delivery.url == f"https://hooks.example.com/{job_id}/done?job={job_id}"
    assert parcel.delivery.headers["content-type"] == "application/json"
    assert parcel.delivery.headers["webhook-id"] == parcel.delivery.delivery_id
    assert parcel.delivery.timeout.ToTimedelta() == timedelta(seconds=3)
    assert courier.claim() is None
    assert delivery_of(idle_caller.stack, job_id).type == f"tickets.job.{status}"


def test_a_job_without_a_callback_url_makes_none(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    job_id = idle_caller.submit()
    hands.complete(hands.take(job_id))

    assert courier.claim() is None
    assert deliveries_of(idle_caller.stack, job_id) == []


def test_a_job_that_goes_on_makes_none(idle_caller: Caller, hands: Hands, courier: Courier) -> None:
    job_id = submit(idle_caller)
    held = hands.take(job_id)
    hands.beat(held, "GENERATING_TICKETS")
    hands.fail(held, retryable=True)
    again = eventually(hands.claim)
    assert again is not None
    hands.release(again)

    assert deliveries_of(idle_caller.stack, job_id) == []
    idle_caller.call("DELETE", f"{JOBS}/{job_id}")


def test_a_repeated_report_of_the_job_makes_no_second_one(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    job_id = submit(idle_caller)
    held = hands.take(job_id)
    hands.complete(held)
    hands.complete(held)

    assert len(deliveries_of(idle_caller.stack, job_id)) == 1


def test_the_deliveries_of_a_purged_job_go_with_it(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    job_id = ended_job(idle_caller, hands)
    courier.report(courier.take(), 503)
    execute(
        idle_caller.stack,
        "UPDATE jobs SET ended_at = 1 WHERE id = ?",
        identifier(idle_caller.stack, job_id),
    )

    eventually(lambda: idle_caller.get(f"{JOBS}/{job_id}").status_code == 404)

    assert execute(idle_caller.stack, "SELECT count(*) FROM deliveries")[0][0] == 0
    assert execute(idle_caller.stack, "SELECT count(*) FROM delivery_attempts")[0][0] == 0


def test_a_suspended_client_is_still_told(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    job_id = submit(idle_caller)
    held = hands.take(job_id)
    suspend(idle_caller)
    hands.complete(held)

    assert json.loads(courier.take().delivery.body)["data"]["job_id"] == job_id


# Who may be called


@pytest.mark.parametrize(
    "url",
    [
        "https://inside.example/",
        "https://INSIDE.example.:8443/{job_id}",
        "https://inner.example:2000",
    ],
)
def test_hosts_that_the_operator_names_may_be_internal(
    idle_caller: Caller, hands: Hands, courier: Courier, url: str
) -> None:
    ended_job(idle_caller, hands, url)

    assert courier.take().delivery.internal is True


@pytest.mark.parametrize(
    "url",
    [
        "http://inside.example/",
        "https://inside.example:80/",
        "https://user@inside.example/",
        "https://localhost/",
        "https://127.0.0.1/",
    ],
)
def test_a_named_host_opens_nothing_else(idle_caller: Caller, url: str) -> None:
    assert idle_caller.post(request(callback_url=url)).status_code == 400


def test_other_hosts_may_not(idle_caller: Caller, hands: Hands, courier: Courier) -> None:
    ended_job(idle_caller, hands, "https://sub.inside.example/")

    assert courier.take().delivery.internal is False


# Signatures


def test_each_client_has_a_secret_of_its_own(
    idle_caller: Caller, stack_without_worker: Stack
) -> None:
    other = stack_without_worker.caller()

    assert secret(idle_caller) == secret(idle_caller)
    assert secret(idle_caller) != secret(other)
    assert secret(idle_caller).startswith("whsec_")
    assert secret(idle_caller) not in stack_without_worker.logs()


def test_after_a_rotation_both_secrets_sign_for_a_while(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    old = secret(idle_caller)
    new = rotate(idle_caller, 3600)
    ended_job(idle_caller, hands)

    parcel = courier.take()

    assert new.secret == secret(idle_caller) != old
    assert new.HasField("previous_signs_until")
    assert len(signatures(parcel)) == 2
    assert opened_with(old, parcel) == opened_with(new.secret, parcel)


def test_after_the_overlap_the_new_secret_signs_alone(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    old = secret(idle_caller)
    new = rotate(idle_caller, 0)
    ended_job(idle_caller, hands)

    parcel = courier.take()

    assert not new.HasField("previous_signs_until")
    assert len(signatures(parcel)) == 1
    assert opened_with(new.secret, parcel)
    with pytest.raises(Exception, match="No matching signature"):
        opened_with(old, parcel)


def test_a_callback_that_waits_is_signed_as_it_leaves(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    job_id = ended_job(idle_caller, hands)
    first = courier.take()
    courier.report(first, 500)
    new = rotate(idle_caller, 0)
    hurry(idle_caller.stack, job_id)

    second = courier.take()

    assert opened_with(new.secret, second)
    assert second.delivery.body == first.delivery.body
    assert second.delivery.headers["webhook-id"] == first.delivery.headers["webhook-id"]
