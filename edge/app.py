"""The Flask app: every public RPC as a route, and the edge's own few pages."""

import copy
from functools import partial

from flask import Flask, Response, g, jsonify, request
from taskforge.tickets.v1 import jobs_pb2
from werkzeug.exceptions import MethodNotAllowed, NotFound

from edge import docs
from edge.core_client import CoreClient
from edge.front import Front
from edge.replies import CLOSE, Reply, refusal, reply_to
from edge.requests import has_body, request_id
from edge.routes import Route, routes
from edge.transcoder import Transcoder
from tickets import contract
from tickets.codec import to_json
from tickets.errors import Reason, TaskForgeError
from tickets.settings import Settings


def create_app(settings: Settings) -> Flask:
    """The edge's WSGI app. Opens its channel to core, so make it in the serving process."""
    app = Flask(__name__, static_folder=None)
    # A path with doubled slashes is an unknown path, not a redirect; _check_spelling has the rest.
    app.url_map.merge_slashes = False
    found = routes([jobs_pb2.DESCRIPTOR])
    core = CoreClient(settings)
    transcoder = Transcoder(core, settings.max_body_bytes)
    for route in found:
        app.add_url_rule(
            route.flask_rule,
            endpoint=route.endpoint,
            methods=[route.http_method],
            view_func=partial(_transcode, transcoder, route),
            provide_automatic_options=False,
        )
    _add_own_pages(app, core)
    app.register_blueprint(docs.pages())
    _add_hooks(app)
    app.wsgi_app = Front(app.wsgi_app, transcoder, found)  # type: ignore[method-assign] # Flask's documented way to put something in front
    return app


def _transcode(transcoder: Transcoder, route: Route, **path: str) -> Response:
    return _response(transcoder.respond(route, request.environ, path, g.request_id))


def _response(reply: Reply) -> Response:
    return Response(reply.body, status=reply.status, headers=reply.headers)


def _add_own_pages(app: Flask, core: CoreClient) -> None:
    @app.get("/openapi.json", provide_automatic_options=False)
    def openapi() -> Response:
        document = copy.copy(contract.openapi())
        # Without a valid Host nothing is known but that it is where this document is.
        document["servers"] = [{"url": request.host_url.rstrip("/") if request.host else "/"}]
        return Response(to_json(document), content_type="application/json")

    @app.get("/healthz", provide_automatic_options=False)
    def healthz() -> Response:
        return jsonify(status="ok")

    @app.get("/readyz", provide_automatic_options=False)
    def readyz() -> Response:
        if core.is_ready():
            return jsonify(status="ready")
        away = TaskForgeError(Reason.CORE_UNAVAILABLE, "core is not available")
        response = _response(refusal(away))
        response.status_code = 503
        return response


def _add_hooks(app: Flask) -> None:
    @app.before_request
    def begin() -> None:
        g.request_id = request_id(request.environ)
        _check_spelling(app)

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        if has_body(request.environ):
            response.headers.add(*CLOSE)  # none of these pages reads one
        return response

    @app.errorhandler(Exception)
    def failed(fault: Exception) -> Response:
        return _response(reply_to(fault, g.request_id))


def _check_spelling(app: Flask) -> None:
    """Refuses what Werkzeug takes for another spelling: `//docs` for `/docs`, `get` for `GET`."""
    if request.environ["PATH_INFO"].startswith("//"):
        raise NotFound
    if request.routing_exception is None and request.environ["REQUEST_METHOD"] != request.method:
        allowed = app.url_map.bind_to_environ(request.environ).allowed_methods()
        raise MethodNotAllowed(valid_methods=allowed)
