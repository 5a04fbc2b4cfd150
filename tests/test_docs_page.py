"""The interactive API docs: served by the edge alone, and closed to every other host."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.refusals import assert_refused
from tests.stack import Stack

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "font-src": "'self'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
VIEWER = "/docs/swagger-ui-bundle.js"


class Page(HTMLParser):
    """What a page asks a browser to load and to run."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.language: str | None = None
        self.assets: list[str] = []
        self.inline: list[str] = []
        self._inside = ""
        self.title = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        given = dict(attrs)
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        if tag == "html":
            self.language = given["lang"]
        if tag == "script":
            self.assets.append(given["src"] or "")
        if tag == "link" and given["rel"] == "stylesheet":
            self.assets.append(given["href"] or "")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in {"script", "style"}:
            self.inline.append(data)
        if self._inside == "title":
            self.title += data


def ask(stack: Stack, path: str, method: str = "GET", **options: Any) -> requests.Response:
    options = {"timeout": 30, "allow_redirects": False, **options}
    return requests.request(method, stack.url + path, **options)


def page(stack: Stack) -> Page:
    return Page(ask(stack, "/docs").text)


def test_the_root_leads_to_the_docs(stack_without_worker: Stack) -> None:
    response = ask(stack_without_worker, "/")

    assert response.status_code == 302
    assert response.headers["Location"] == "/docs"


def test_the_page_has_a_title_and_a_language_and_no_inline_code(
    stack_without_worker: Stack,
) -> None:
    response = ask(stack_without_worker, "/docs")

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    shown = Page(response.text)
    assert shown.title == "TaskForge Tickets API"
    assert shown.language == "en"
    assert shown.inline == []


def test_the_edge_serves_each_file_that_the_page_names(stack_without_worker: Stack) -> None:
    assets = page(stack_without_worker).assets

    assert len(assets) == 4
    for path in assets:
        response = ask(stack_without_worker, path)
        assert response.status_code == 200, path
        assert response.headers["Content-Type"] == TYPES[Path(path.partition("?")[0]).suffix]
        assert response.content


def test_the_docs_name_no_other_host(stack_without_worker: Stack) -> None:
    own = [ask(stack_without_worker, path).text for path in ("/docs", "/docs/init.js")]

    assert not [text for text in own if re.search(r"[a-z]+://|['\"(]//", text)]


def test_the_viewer_shows_the_contract_of_this_edge(stack_without_worker: Stack) -> None:
    script = ask(stack_without_worker, "/docs/init.js").text

    assert 'url: "/openapi.json"' in script
    assert "validatorUrl: null" in script


@pytest.mark.parametrize("path", ["/", "/docs", VIEWER, "/docs/nothing.js"])
def test_a_browser_is_held_to_this_origin(stack_without_worker: Stack, path: str) -> None:
    headers = ask(stack_without_worker, path).headers

    policy = headers["Content-Security-Policy"].split("; ")
    assert dict(directive.split(" ", 1) for directive in policy) == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_a_file_is_kept_for_ever_under_the_address_of_its_version(
    stack_without_worker: Stack,
) -> None:
    for path in page(stack_without_worker).assets:
        versioned = ask(stack_without_worker, path)
        assert versioned.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        for other in ("", "?v=0"):
            plain = ask(stack_without_worker, path.partition("?")[0] + other)
            assert plain.headers["Cache-Control"] == "no-cache"
            assert plain.content == versioned.content


@pytest.mark.parametrize("path", ["/docs", VIEWER])
def test_an_unchanged_file_is_not_sent_again(stack_without_worker: Stack, path: str) -> None:
    known = ask(stack_without_worker, path).headers["ETag"]

    again = ask(stack_without_worker, path, headers={"If-None-Match": known})
    other = ask(stack_without_worker, path, headers={"If-None-Match": '"other"'})

    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["ETag"] == known
    assert other.status_code == 200


def test_files_are_packed_for_browsers_that_unpack_them(stack_without_worker: Stack) -> None:
    packed = ask(stack_without_worker, VIEWER, headers={"Accept-Encoding": "br, gzip"})
    plain = ask(stack_without_worker, VIEWER, headers={"Accept-Encoding": "identity"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 3
    assert "Content-Encoding" not in plain.headers
    assert packed.content == plain.content
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "path",
    [
        "/docs/",
        "/docs/nothing.js",
        "/docs/README.md",
        "/docs/page.html",
        "/docs/swagger-ui/swagger-ui.css",
        "/docs/..%2f..%2fapp.py",
        "/docs/%2e%2e/app.py",
    ],
)
def test_an_unknown_file_is_404(stack_without_worker: Stack, path: str) -> None:
    assert_refused(ask(stack_without_worker, path), 404, "invalid_request")


@pytest.mark.parametrize("path", ["/", "/docs", VIEWER])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_the_docs_are_only_read(stack_without_worker: Stack, path: str, method: str) -> None:
    response = ask(stack_without_worker, path, method)

    assert_refused(response, 405, "invalid_request")
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD"}
