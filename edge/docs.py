"""The interactive API docs at `/docs`: a vendored viewer over `/openapi.json`.

The viewer is Swagger UI: it is maintained, reads OpenAPI 3.1, tries a call with a key and, with its
validator off, runs offline under a strict content security policy, while Redoc tries no calls,
RapiDoc stands still, and Scalar and Elements are larger and made to load from other hosts.
"""

import gzip
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from flask import Blueprint, Response, redirect, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse

_FOLDER = Path(__file__).resolve().parent / "static" / "docs"
_ASSETS = (
    "init.js",
    "page.css",
    "swagger-ui/swagger-ui-bundle.js",
    "swagger-ui/swagger-ui-bundle.js.LICENSE.txt",
    "swagger-ui/swagger-ui.css",
)
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; font-src 'self'; form-action 'none'; frame-ancestors 'none';"
    " base-uri 'none'"
)
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class _File:
    content: bytes
    content_type: str

    @cached_property
    def tag(self) -> str:
        return sha256(self.content).hexdigest()[:16]

    @cached_property
    def packed(self) -> bytes:
        return gzip.compress(self.content, mtime=0)


def pages() -> Blueprint:
    """The page, the files that it names, and the way there from `/`."""
    blueprint = Blueprint("docs", __name__)
    assets = {Path(path).name: _read(path) for path in _ASSETS}
    page = _with_versions(_read("page.html"), assets)

    @blueprint.get("/", provide_automatic_options=False)
    def root() -> BaseResponse:
        return redirect("/docs")

    @blueprint.get("/docs", provide_automatic_options=False)
    def docs() -> Response:
        return _answer(page)

    @blueprint.get("/docs/<name>", provide_automatic_options=False)
    def asset(name: str) -> Response:
        if name not in assets:
            raise NotFound
        return _answer(assets[name])

    @blueprint.after_request
    def guard(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return blueprint


def _read(path: str) -> _File:
    file = _FOLDER / path
    return _File(file.read_bytes(), _TYPES[file.suffix])


def _with_versions(page: _File, assets: dict[str, _File]) -> _File:
    """The page with addresses of its assets that change when they do."""
    html = page.content.decode()
    for name, asset in assets.items():
        html = html.replace(f'"/docs/{name}"', f'"/docs/{name}?v={asset.tag}"')
    return _File(html.encode(), page.content_type)


def _answer(file: _File) -> Response:
    response = Response(content_type=file.content_type)
    if request.accept_encodings["gzip"]:
        response.data = file.packed
        response.content_encoding = "gzip"
    else:
        response.data = file.content
    response.vary.add("Accept-Encoding")
    # Weak: packed or not, it is the same file.
    response.set_etag(file.tag, weak=True)
    is_this_version = request.args.get("v") == file.tag
    response.headers["Cache-Control"] = _FOR_EVER if is_this_version else "no-cache"
    response.make_conditional(request)
    return response
