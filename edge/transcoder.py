"""An HTTP request as a call to core, and the answer back; the same for every route."""

from edge.core_client import CoreClient, RefusedError
from edge.replies import Reply, answer, reply_to
from edge.requests import (
    Environ,
    call_metadata,
    entity_tags,
    query,
    read_body,
    request_message,
)
from edge.routes import Route
from tickets.errors import TaskForgeError


class Transcoder:
    """Answers requests for public RPCs, off the WSGI environ."""

    def __init__(self, core: CoreClient, max_body_bytes: int) -> None:
        self._core = core
        self._max_body_bytes = max_body_bytes

    def respond(
        self, route: Route, environ: Environ, path: dict[str, str], request_id: str
    ) -> Reply:
        """The reply to a request, refusals and faults included.

        Args:
            route: What the method and the path have named.
            environ: The WSGI environ.
            path: The values of the path's variables.
            request_id: Goes to core and into logs.
        """
        try:
            return self._transcode(route, environ, path, request_id)
        except Exception as fault:  # noqa: BLE001 - every fault becomes a refusal here
            return reply_to(fault, request_id)

    def _transcode(
        self, route: Route, environ: Environ, path: dict[str, str], request_id: str
    ) -> Reply:
        parameters, known_tags = query(environ), entity_tags(environ)
        metadata = call_metadata(environ, request_id, known_tags)
        body = read_body(environ, route, self._max_body_bytes)
        try:
            message = request_message(environ, route, path, parameters, body)
        except TaskForgeError as error:
            # A stranger learns nothing about his request but that he is one.
            raise RefusedError(error, self._core.check_access(route.rpc, metadata)) from None
        given = self._core.call(route, message, metadata)
        return answer(route, given, parameters, known_tags)
