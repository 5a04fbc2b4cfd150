"""Puts core together and runs it: database, services, background threads."""

import gc
import logging
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from time import monotonic

import grpc
from google.protobuf.descriptor import FileDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from taskforge.admin.v1 import (
    clients_pb2,
    clients_pb2_grpc,
    deliveries_pb2,
    deliveries_pb2_grpc,
    keys_pb2,
    keys_pb2_grpc,
)
from taskforge.admin.v1 import jobs_pb2 as admin_jobs_pb2
from taskforge.admin.v1 import jobs_pb2_grpc as admin_jobs_pb2_grpc
from taskforge.tickets.v1 import access_pb2, access_pb2_grpc, jobs_pb2, jobs_pb2_grpc
from taskforge.worker.v1 import deliveries_pb2 as delivering_pb2
from taskforge.worker.v1 import deliveries_pb2_grpc as delivering_pb2_grpc
from taskforge.worker.v1 import worker_pb2, worker_pb2_grpc

from core import absences, certificates
from core.access import FORGET_S, Gate
from core.callback_secrets import CallbackSecrets
from core.calls import Calls
from core.cancellations import LOOK_S, Cancellations
from core.database import STORAGE_FAULTS, brief, connect, forget_connection, renew_connection
from core.keys import KeyHasher
from core.migrate import NewerDatabaseError, pending
from core.policy import policies
from core.readiness import Readiness
from core.services.access import Access
from core.services.clients import Clients
from core.services.deliveries import Deliveries
from core.services.delivering import Delivering
from core.services.jobs import Jobs
from core.services.keys import Keys
from core.services.tickets import Tickets
from core.services.worker import Workers
from core.sweeper import Sweeper
from core.wakeups import LOOK_S as LATER_S
from core.wakeups import Wakeups
from tickets.settings import Settings

log = logging.getLogger(__name__)

_FILES = tuple(
    module.DESCRIPTOR
    for module in (
        jobs_pb2,
        access_pb2,
        clients_pb2,
        keys_pb2,
        deliveries_pb2,
        admin_jobs_pb2,
        worker_pb2,
        delivering_pb2,
    )
)
# A worker's result may be larger than any request of a client.
_LEAST_ROOM = 8 * 1024 * 1024
_PROBE_S = 1.0
_CONNECTIONS = (
    # Callers come back at once and look up core's name again, and so find cores that are new.
    ("grpc.max_connection_age_ms", 300_000),
    # Longer than any call takes.
    ("grpc.max_connection_age_grace_ms", 60_000),
    # Callers ask a silent core every 10 s whether it is there.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


class StartError(Exception):
    """Core cannot start; the message says what to do."""


def serve(settings: Settings) -> None:
    """Runs core until SIGTERM or SIGINT, then lets calls in flight finish.

    Raises:
        StartError: The database is not prepared, or the address is taken.
        SettingsError: A file that TLS needs is missing or wrong.
    """
    # Unlike an event, a simple queue may be told twice from a signal handler.
    stop_orders: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: stop_orders.put(number))
    _check_database(settings)
    core = Core(settings)
    core.start()
    # What is there now stays: the collector need not look at it again with every full pass.
    gc.collect()
    gc.freeze()
    log.info("core listens on %s", settings.core_bind)
    stop_orders.get()
    core.stop()


class Core:
    """A running core; `start` and `stop` once each."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stopping = threading.Event()
        self._wakeups = Wakeups(settings.queue_url)
        self._cancellations = Cancellations()
        self._sweeper = Sweeper(settings, self._wakeups)
        self._health = health.HealthServicer()
        self._readiness = Readiness(self._serve_health)
        self._gate = Gate(settings, policies(_FILES))
        self._server = self._build()

    def start(self) -> None:
        self._server.start()
        self._every(_PROBE_S, self._readiness.probe)
        for sweep in (self._sweeper.sweep, self._sweeper.expire, self._sweeper.purge):
            self._every(self._settings.sweep_s, sweep)
        # More often than sweeps, where those are set to be rare.
        self._every(absences.interval_s(self._settings), self._note_presence)
        self._every(LATER_S, self._wakeups.send_due)
        self._every(LOOK_S, self._cancellations.look)
        self._every(FORGET_S, self._gate.forget)
        self._every(0, self._wakeups.top_up_deliveries)

    def stop(self) -> None:
        """Refuses new calls and waits for those in flight, at most the drain time."""
        self._health.enter_graceful_shutdown()
        self._stopping.set()
        self._cancellations.stop()
        self._server.stop(grace=self._settings.drain_s).wait()

    def _note_presence(self) -> None:
        absences.note(self._settings)

    def _serve_health(self, ready: bool) -> None:
        answer = health_pb2.HealthCheckResponse
        self._health.set("", answer.SERVING if ready else answer.NOT_SERVING)

    def _build(self) -> grpc.Server:
        largest = max(_LEAST_ROOM, 2 * self._settings.max_body_bytes)
        server = grpc.server(
            ThreadPoolExecutor(self._settings.core_threads, thread_name_prefix="call"),
            options=[
                # Otherwise a second core on the same port would silently take half of the calls.
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", largest),
                *_CONNECTIONS,
            ],
        )
        self._add_services(server)
        _listen(server, self._settings)
        return server

    def _add_services(self, bare: grpc.Server) -> None:
        settings = self._settings
        server = Calls(self._gate, settings.max_body_bytes).before(bare)
        jobs_pb2_grpc.add_TicketsServiceServicer_to_server(
            Tickets(settings, self._wakeups, self._cancellations), server
        )
        access_pb2_grpc.add_AccessServiceServicer_to_server(Access(self._gate), server)
        worker_pb2_grpc.add_WorkerServiceServicer_to_server(
            Workers(settings, self._wakeups, self._cancellations), server
        )
        secrets = CallbackSecrets(settings.secret_key or "")
        delivering_pb2_grpc.add_DeliveriesServiceServicer_to_server(
            Delivering(settings, secrets), server
        )
        deliveries_pb2_grpc.add_DeliveriesServiceServicer_to_server(Deliveries(), server)
        admin_jobs_pb2_grpc.add_JobsServiceServicer_to_server(Jobs(settings, self._wakeups), server)
        clients_pb2_grpc.add_ClientsServiceServicer_to_server(Clients(secrets), server)
        keys_pb2_grpc.add_KeysServiceServicer_to_server(
            Keys(KeyHasher(settings.secret_key or "")), server
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, bare)
        names = [name for file in _FILES for name in _service_names(file)]
        reflection.enable_server_reflection(
            [*names, health.SERVICE_NAME, reflection.SERVICE_NAME], bare
        )

    def _every(self, seconds: float, act: Callable[[], None]) -> None:
        """Repeats something on a thread of its own; a fault is logged and tried again."""

        def repeat() -> None:
            while True:
                began = monotonic()
                try:
                    renew_connection()
                    act()
                except STORAGE_FAULTS as fault:
                    log.warning("%s will be tried again: %s", act.__qualname__, brief(fault))
                    forget_connection()
                except Exception:
                    log.exception("%s failed and will be tried again", act.__qualname__)
                if self._stopping.wait(max(0.0, seconds - (monotonic() - began))):
                    return

        threading.Thread(target=repeat, name=act.__qualname__, daemon=True).start()


def _listen(server: grpc.Server, settings: Settings) -> None:
    credentials = certificates.credentials(settings)
    try:
        if credentials is None:
            server.add_insecure_port(settings.core_bind)
        else:
            server.add_secure_port(settings.core_bind, credentials)
    except RuntimeError as fault:
        raise StartError(f"TASKFORGE_CORE_BIND: cannot listen at {settings.core_bind}") from fault


def _service_names(file: FileDescriptor) -> list[str]:
    return [service.full_name for service in file.services_by_name.values()]


def _check_database(settings: Settings) -> None:
    opened = connect(settings.database_url, hurried=True)
    try:
        missing = pending(opened)
    except NewerDatabaseError as fault:
        raise StartError(str(fault)) from fault
    if missing:
        raise StartError(
            f"the database lacks {', '.join(missing)}; prepare it with: taskforge migrate"
        )
