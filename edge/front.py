"""A compiled route table ahead of Flask's dispatch, for the public RPCs alone.

It finds the route of a plain request and hands it to the transcoder, as Flask's
view does; whatever it does not know goes on to Flask. It is here for speed
only: `bench/README.md` says what it brings.
"""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from edge.requests import Environ, request_id
from edge.routes import Route
from edge.transcoder import Transcoder

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

# What a variable may be here; Flask takes care of the rest.
_PLAIN = "([0-9A-Za-z-]+)"
_VARIABLE = re.compile(r"\\\{(\w+)\\\}")
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class Front:
    """A WSGI app before another one."""

    def __init__(
        self, behind: "WSGIApplication", transcoder: Transcoder, routes: Iterable[Route]
    ) -> None:
        self._behind = behind
        self._transcoder = transcoder
        self._fixed: dict[tuple[str, str], Route] = {}
        self._variable: list[tuple[str, re.Pattern[str], Route]] = []
        for route in routes:
            if "{" in route.path:
                pattern = _VARIABLE.sub(rf"(?P<\1>{_PLAIN})", re.escape(route.path))
                self._variable.append((route.http_method, re.compile(pattern), route))
            else:
                self._fixed[route.http_method, route.path] = route

    def __call__(self, environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
        found = self._find(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        if found is None:
            return self._behind(environ, start_response)
        route, path = found
        id_ = request_id(environ)
        reply = self._transcoder.respond(route, environ, path, id_)
        start_response(_STATUS_LINES[reply.status], [*reply.headers, ("X-Request-Id", id_)])
        return [reply.body]

    def _find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        fixed = self._fixed.get((method, path))
        if fixed is not None:
            return fixed, {}
        for http_method, pattern, route in self._variable:
            if http_method == method and (match := pattern.fullmatch(path)):
                return route, match.groupdict()
        return None
