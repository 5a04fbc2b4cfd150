"""One attempt at a delivery, from the claim to the report."""

import logging
import ssl

import grpc
from taskforge.worker.v1 import deliveries_pb2

from tickets.errors import TaskForgeError
from worker.callbacks.post import Answer, Post
from worker.core_client import CoreClient, DeliveryLease

log = logging.getLogger(__name__)


class Deliveries:
    """Makes attempts, and can stop those that are under way."""

    def __init__(self, core: CoreClient, tls: ssl.SSLContext) -> None:
        self._core = core
        self._tls = tls
        self._running: dict[str, Post] = {}
        self._draining = False

    def stop_all(self) -> None:
        """Cuts every call; each delivery that is not answered yet is given back."""
        self._draining = True
        for post in list(self._running.values()):
            post.cut()

    def run(self, lease: DeliveryLease, claimed: deliveries_pb2.ClaimedDelivery) -> None:
        """Makes one attempt; whatever happens is reported, or left to the lease."""
        post = Post(claimed, self._tls)
        self._running[lease.token] = post
        try:
            self._attempt(lease, post)
        except TaskForgeError as refusal:
            log.info("delivery %s is no longer this worker's: %s", lease.delivery_id, refusal)
        except grpc.RpcError as fault:
            log.warning(
                "delivery %s could not be reported and is left to its lease: %s",
                lease.delivery_id,
                fault,
            )
        finally:
            del self._running[lease.token]

    def _attempt(self, lease: DeliveryLease, post: Post) -> None:
        if self._draining:
            post.cut()
        try:
            answer = post.send()
        except Exception:
            log.exception("delivery %s failed", lease.delivery_id)
            answer = Answer(problem="the worker met an internal error")
        if answer.problem and self._draining:
            self._core.release_delivery(lease)
            return
        log.info("delivery %s: %s", lease.delivery_id, answer.problem or answer.http_status)
        self._core.report_delivery(lease, answer)
