"""The limits of an installation are those of its settings, where a client has none of its own."""

from pathlib import Path

from tests.refusals import assert_refused
from tests.stack import SPEC, request, running


def test_an_installation_has_the_limits_that_it_is_given(tmp_path: Path) -> None:
    environ = {
        "TASKFORGE_MAX_BODY_BYTES": "2000",
        "TASKFORGE_MAX_QUEUED": "2",
        "TASKFORGE_RATE_LIMIT": "6/hour",
    }
    with running(environ, tmp_path, rooms=("core", "edge")) as stack:
        caller, other = stack.caller(), stack.caller(max_queued=3)

        assert_refused(caller.post(request(spec=SPEC * 25)), 400, "request_too_large")
        for _ in range(2):
            assert caller.post(request()).status_code == 202
        assert_refused(caller.post(request()), 429, "queue_full")
        for _ in range(3):
            assert other.post(request()).status_code == 202
        answers = [caller.get("/tickets/v1/jobs").status_code for _ in range(6)]
        assert answers[0] == 200
        assert_refused(caller.get("/tickets/v1/jobs"), 429, "rate_limited")
