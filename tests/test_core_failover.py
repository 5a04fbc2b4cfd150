"""Worker and commands use all cores that they are told of, and go on when one is gone."""

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from taskforge.tickets.v1 import jobs_pb2

from cli.environment import read_text
from tests.ollama_peer import OllamaPeer
from tests.processes import free_port
from tests.servers import PostgresServer, RedisServer
from tests.stack import Caller, Room, Stack, request
from tests.waiting import eventually
from tickets.channel import open_channel
from tickets.settings import SettingsError, load


@pytest.fixture(scope="module")
def installation(
    postgres_server: PostgresServer,
    redis_server: RedisServer,
    peer: OllamaPeer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Stack, Sequence[Room]]]:
    """Two cores over one database, and a worker that knows both."""
    binds = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    environ = {
        "TASKFORGE_DATABASE_URL": postgres_server.create_database("cores"),
        "TASKFORGE_QUEUE_URL": redis_server.fresh_url(),
        "TASKFORGE_OLLAMA_URL": peer.url,
        "TASKFORGE_CORE_ADDR": ",".join(binds),
    }
    stack = Stack(environ, tmp_path_factory.mktemp("cores"))
    assert stack.run("migrate").returncode == 0
    cores = [
        Room(
            "core",
            {**stack.environ, "TASKFORGE_CORE_BIND": bind, "TASKFORGE_LOG_LEVEL": "debug"},
            stack.folder / f"core-{number}.log",
            "core listens on",
        )
        for number, bind in enumerate(binds)
    ]
    with ExitStack() as started:
        for room in (*cores, stack.worker):
            room.start()
            started.callback(room.stop)
        yield stack, cores


def submit(caller: Caller) -> str:
    """Submits as callers do: a call that met a core as it died is made again."""
    asked = jobs_pb2.TicketsJobSubmitRequest(**request())

    def accepted() -> str | None:
        try:
            answer = caller.stack.tickets.SubmitTicketsJob(asked, metadata=caller.metadata)
        except grpc.RpcError as fault:
            if fault.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            return None
        job_id: str = answer.job_id
        return job_id

    return eventually(accepted) or ""


def completed(caller: Caller, job_id: str) -> bool:
    wanted = jobs_pb2.GetTicketsJobRequest(job_id=job_id)
    job = caller.stack.tickets.GetTicketsJob(wanted, metadata=caller.metadata)
    return bool(job.status == jobs_pb2.JOB_STATUS_COMPLETED)


def test_work_goes_on_with_the_core_that_is_left(
    installation: tuple[Stack, Sequence[Room]],
) -> None:
    stack, cores = installation
    caller = stack.caller()
    # Each has to do without the other once, so that it is not one that all depends on.
    for gone in cores:
        gone.kill()
        assert stack.run("clients", "list").returncode == 0
        job_id = submit(caller)
        assert eventually(partial(completed, caller, job_id))
        gone.start()
        eventually(partial(all_answer, stack))


@pytest.mark.slow
def test_a_core_that_is_frozen_is_left_out(installation: tuple[Stack, Sequence[Room]]) -> None:
    stack, cores = installation
    eventually(partial(all_answer, stack))
    os.kill(cores[0].pid, signal.SIGSTOP)
    try:
        assert not all_answer(stack)
        assert eventually(partial(all_answer, stack))
    finally:
        os.kill(cores[0].pid, signal.SIGCONT)


def all_answer(stack: Stack) -> bool:
    """Whether calls, which go to the cores in turn, are all answered soon."""
    check = health_pb2_grpc.HealthStub(stack.channel).Check  # type: ignore[attr-defined] # its stub lacks it
    try:
        for _ in range(10):
            check(health_pb2.HealthCheckRequest(), timeout=2)
    except grpc.RpcError:
        return False
    return True


class Counting(health_pb2_grpc.HealthServicer):
    """A server that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def Check(self, request: Any, context: Any) -> health_pb2.HealthCheckResponse:  # noqa: N802 - gRPC's name
        self.calls += 1
        return health_pb2.HealthCheckResponse()


def test_calls_go_to_all_addresses_in_turn() -> None:
    servicers = (Counting(), Counting())
    with ExitStack() as started:
        addresses = [started.enter_context(serving(servicer)) for servicer in servicers]
        found = load({"TASKFORGE_CORE_ADDR": ",".join(addresses)}, read_text)
        with open_channel(found) as channel:
            check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined] # its stub lacks it

            def both_called() -> bool:
                check(health_pb2.HealthCheckRequest(), timeout=10)
                return all(servicer.calls for servicer in servicers)

            assert eventually(both_called)


@contextmanager
def serving(servicer: Counting) -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(2))
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(grace=None).wait()


@pytest.mark.parametrize("address", ["core:50051,10.0.0.2:50051", "10.0.0.1:50051,", "core"])
def test_several_addresses_are_ipv4(address: str) -> None:
    with pytest.raises(SettingsError, match="TASKFORGE_CORE_ADDR: must be HOST:PORT"):
        load({"TASKFORGE_CORE_ADDR": address}, read_text)
