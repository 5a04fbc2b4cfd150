"""The servers and installations that tests share; each starts when a test first asks for it."""

from collections.abc import Iterator

import pytest

from tests.certificates import Authority
from tests.courier import Courier
from tests.hands import Hands
from tests.ollama_peer import OllamaPeer
from tests.receiver import Receiver
from tests.servers import PostgresServer, RedisServer, postgres, redis
from tests.stack import Caller, Stack, running
from tests.storage import execute

BACKENDS = ("sqlite", "postgresql")
WITHOUT_WORKER = ("core", "edge")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with redis() as server:
        yield server


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Runs a test on the embedded default, and on PostgreSQL with Redis."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def peer() -> Iterator[OllamaPeer]:
    """The scripted model's server."""
    with OllamaPeer() as started:
        yield started


@pytest.fixture(scope="session")
def stack(backend: str, request: pytest.FixtureRequest) -> Stack:
    """Core, edge and worker, with the scripted model."""
    started: Stack = request.getfixturevalue(f"{backend}_stack")
    return started


@pytest.fixture(scope="session")
def stack_without_worker(backend: str, request: pytest.FixtureRequest) -> Stack:
    """Core and edge, for tests that are the worker themselves; jobs stay where tests put them."""
    started: Stack = request.getfixturevalue(f"{backend}_stack_without_worker")
    return started


# One for each backend, so that it is there yet when tests change to the other and back.


@pytest.fixture(scope="session")
def sqlite_stack(peer: OllamaPeer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running({"TASKFORGE_OLLAMA_URL": peer.url}, tmp_path_factory.mktemp("stack")) as started:
        yield started


@pytest.fixture(scope="session")
def postgresql_stack(
    peer: OllamaPeer,
    postgres_server: PostgresServer,
    redis_server: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    environ = {"TASKFORGE_OLLAMA_URL": peer.url, **_on_servers(postgres_server, redis_server)}
    with running(environ, tmp_path_factory.mktemp("stack")) as started:
        yield started


@pytest.fixture(scope="session")
def sqlite_stack_without_worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running({}, tmp_path_factory.mktemp("without-worker"), WITHOUT_WORKER) as started:
        yield started


@pytest.fixture(scope="session")
def postgresql_stack_without_worker(
    postgres_server: PostgresServer,
    redis_server: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    environ = _on_servers(postgres_server, redis_server)
    with running(environ, tmp_path_factory.mktemp("without-worker"), WITHOUT_WORKER) as started:
        yield started


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The CA that the certificates of a file's tests are of."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another CA, which nobody here trusts."""
    return Authority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture
def receiver(authority: Authority) -> Iterator[Receiver]:
    """A client's receiver of callbacks, which answers at once."""
    with Receiver(authority.server_context("localhost")) as started:
        yield started


@pytest.fixture
def caller(stack: Stack) -> Caller:
    """A client of its own for each test."""
    return stack.caller()


@pytest.fixture
def idle_caller(stack_without_worker: Stack) -> Caller:
    """A client of its own where no worker takes its jobs."""
    return stack_without_worker.caller()


@pytest.fixture
def hands(stack_without_worker: Stack) -> Iterator[Hands]:
    """The worker, played by the test, before an empty queue."""
    started = Hands(stack_without_worker)
    started.clear()
    yield started
    started.clear()


@pytest.fixture
def courier(stack_without_worker: Stack, hands: Hands) -> Courier:
    """The worker that delivers, played by the test, with nothing to deliver yet."""
    for table in ("delivery_attempts", "deliveries"):
        execute(stack_without_worker, f"DELETE FROM {table}")
    return Courier(stack_without_worker)


def storage(backend: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings of a fresh database and queue."""
    if backend == "sqlite":
        return {}
    return _on_servers(
        request.getfixturevalue("postgres_server"), request.getfixturevalue("redis_server")
    )


def _on_servers(database: PostgresServer, queue: RedisServer) -> dict[str, str]:
    return {
        "TASKFORGE_DATABASE_URL": database.create_database("stack"),
        "TASKFORGE_QUEUE_URL": queue.fresh_url(),
    }
