"""The Flask app: every public RPC as a route, and the edge's own few pages."""

import copy
import logging
from functools import partial

from flask import Flask, Response, g, jsonify, request
from taskforge.tickets.v1 import jobs_pb2
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from edge import docs
from edge.core_client import CoreClient, RefusedError
from edge.requests import call_metadata, read_body, request_id, request_message
from edge.responses import answer, refusal
from edge.routes import Route, routes
from tickets import contract
from tickets.codec import to_json
from tickets.errors import Reason, TaskForgeError
from tickets.settings import Settings

log = logging.getLogger(__name__)


def create_app(settings: Settings) -> Flask:
    """The edge's WSGI app. Opens its channel to core, so make it in the serving process."""
    app = Flask(__name__, static_folder=None)
    # A path with doubled slashes is an unknown path, not a redirect.
    app.url_map.merge_slashes = False
    found = routes([jobs_pb2.DESCRIPTOR])
    core = CoreClient(settings.core_addr, found)
    for route in found:
        app.add_url_rule(
            route.flask_rule,
            endpoint=route.endpoint,
            methods=[route.http_method],
            view_func=partial(_transcode, core, route, settings.max_body_bytes),
            provide_automatic_options=False,
        )
    _add_own_pages(app, core)
    app.register_blueprint(docs.pages())
    _add_hooks(app)
    return app


def _transcode(core: CoreClient, route: Route, max_body_bytes: int, **path: str) -> Response:
    """An HTTP request as a call to core, and the answer back."""
    metadata = call_metadata(request, g.request_id)
    body = read_body(request, route, max_body_bytes)
    try:
        message = request_message(request, route, path, body)
    except TaskForgeError as error:
        # A stranger learns nothing about his request but that he is one.
        raise RefusedError(error, core.check_access(route.rpc, metadata)) from None
    return answer(route, core.call(route.rpc, message, metadata), request.args)


def _add_own_pages(app: Flask, core: CoreClient) -> None:
    @app.get("/openapi.json", provide_automatic_options=False)
    def openapi() -> Response:
        document = copy.copy(contract.openapi())
        document["servers"] = [{"url": request.host_url.rstrip("/")}]
        return Response(to_json(document), content_type="application/json")

    @app.get("/healthz", provide_automatic_options=False)
    def healthz() -> Response:
        return jsonify(status="ok")

    @app.get("/readyz", provide_automatic_options=False)
    def readyz() -> tuple[Response, int] | Response:
        if core.is_ready():
            return jsonify(status="ready")
        return refusal(TaskForgeError(Reason.CORE_UNAVAILABLE, "core is not available")), 503


def _add_hooks(app: Flask) -> None:
    @app.before_request
    def begin() -> None:
        g.request_id = request_id(request)

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        return response

    @app.errorhandler(TaskForgeError)
    def refused_here(error: TaskForgeError) -> Response:
        return refusal(error)

    @app.errorhandler(RefusedError)
    def refused_by_core(fault: RefusedError) -> Response:
        return refusal(fault.error, fault.trailers)

    @app.errorhandler(Exception)
    def failed(fault: Exception) -> Response:
        response = refusal(_known(fault))
        if isinstance(fault, MethodNotAllowed) and fault.valid_methods:
            response.headers["Allow"] = ", ".join(sorted(fault.valid_methods))
        return response


def _known(fault: Exception) -> TaskForgeError:
    """A fault of HTTP or of ours as a refusal; what is unknown goes to the log whole."""
    if isinstance(fault, NotFound):
        return TaskForgeError(Reason.UNKNOWN_PATH, "there is nothing at this path")
    if isinstance(fault, MethodNotAllowed):
        return TaskForgeError(Reason.METHOD_NOT_ALLOWED, "this path does not take this method")
    if isinstance(fault, HTTPException) and (fault.code or 500) < 500:  # noqa: PLR2004
        return TaskForgeError(Reason.INVALID_ARGUMENT, "the request is not valid HTTP")
    log.error("request %s failed", g.get("request_id", "-"), exc_info=fault)
    return TaskForgeError(Reason.INTERNAL, "an internal error; the log has it by its request id")
