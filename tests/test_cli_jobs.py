"""`taskforge jobs`: what operators see of how tickets came about, and of a job run again."""

import json
from typing import Any

from tests.ollama_peer import LARGE, SMALL, OllamaPeer
from tests.stack import SPEC, Caller, Stack

RUN_KEYS = {
    "job_id",
    "replay",
    "status",
    "error",
    "model",
    "profile",
    "attempts",
    "calls",
    "failed_calls",
    "prompt_tokens",
    "completion_tokens",
    "repairs",
    "let_pass",
    "duration_ms",
    "tickets",
    "open_questions",
}


def ask(stack: Stack, *arguments: str) -> Any:
    done = stack.run("jobs", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def completed(caller: Caller, spec: str = SPEC) -> str:
    job_id = caller.submit(spec)
    caller.wait(job_id)
    return job_id


def test_provenance_shows_each_call(stack: Stack, caller: Caller) -> None:
    job_id = completed(caller)

    (attempt,) = ask(stack, "provenance", job_id)["attempts"]
    shown = stack.run("jobs", "provenance", job_id, "--text")

    assert (attempt["number"], attempt["outcome"]) == (1, "completed")
    call = attempt["provenance"]["calls"][0]
    assert call["options"]["format"] == "schema"
    assert isinstance(call["options"]["num_ctx"], int)
    assert call["server"].startswith("127.0.0.1:")
    assert f"model: {LARGE}, context length 8192, digest 000000000000, " in shown.stdout
    for told in (call["prompt"], "num_ctx=", str(call["completion_tokens"]), call["text"][:40]):
        assert told in shown.stdout


def test_what_a_model_writes_does_not_steer_the_terminal(
    stack: Stack, caller: Caller, peer: OllamaPeer
) -> None:
    peer.replies["steering"] = "I clear the screen: \x1b[2J"
    job_id = completed(caller, f"{SPEC}\n[[peer: reply steering]]")
    shown = stack.run("jobs", "provenance", job_id, "--text")
    assert "I clear the screen:" in shown.stdout
    assert "\x1b" not in shown.stdout


def test_a_job_without_attempts_says_so(stack: Stack, caller: Caller) -> None:
    job_id = caller.submit(f"{SPEC}\n[[peer: hang]]")
    shown = stack.run("jobs", "provenance", job_id)
    caller.call("DELETE", f"/tickets/v1/jobs/{job_id}")
    assert shown.returncode == 0
    assert "no attempt" in shown.stderr


def test_a_replay_is_shown_beside_the_original(stack: Stack, caller: Caller) -> None:
    job_id = completed(caller)

    first, again = ask(stack, "replay", job_id, "--model", SMALL)["runs"]
    shown = stack.run("jobs", "compare", again["job_id"])

    assert set(first) == set(again) == RUN_KEYS
    assert (first["job_id"], first["model"]) == (job_id, LARGE)
    assert (again["model"], again["status"]) == (SMALL, "completed")
    assert (first["replay"], again["replay"]) == (0, 1)
    assert (first["profile"], again["profile"]) == ("freeform", "extractive")
    result = caller.get(f"/tickets/v1/jobs/{job_id}/result").json()
    assert [each["title"] for each in first["tickets"]] == [
        ticket["title"] for ticket in result["tickets"]
    ]
    for run in (first, again):
        assert run["calls"] > 0
        assert run["completion_tokens"] > 0
        assert run["tickets"][0]["title"] in shown.stdout
    assert str(again["prompt_tokens"]) in shown.stdout


def test_replays_are_compared_as_far_as_they_can_be_read(stack: Stack, caller: Caller) -> None:
    job_id = completed(caller)
    replays = [
        stack.run("jobs", "replay", job_id, "--model", LARGE, "--no-wait").stdout.strip()
        for _ in range(4)
    ]
    of_original = stack.run("jobs", "compare", job_id)
    of_replay = stack.run("jobs", "compare", replays[0])
    assert [replay in of_original.stdout for replay in replays] == [False, True, True, True]
    assert "earlier: 1" in of_original.stderr
    assert of_original.stdout.split("\n")[0].rstrip().endswith("replay 4")
    assert [replay in of_replay.stdout for replay in replays] == [True, False, False, False]
    assert job_id in of_replay.stdout
    assert len(ask(stack, "compare", job_id)["runs"]) == 5


def test_a_replay_that_fails_is_told_with_its_cause(stack: Stack, caller: Caller) -> None:
    job_id = completed(caller)

    done = stack.run("jobs", "replay", job_id, "--model", "no-such:1b")

    assert done.returncode == 1
    assert "ended as failed: the model 'no-such:1b' is not installed" in done.stderr
    assert "no-such:1b" in done.stdout
    assert "is not installed" in done.stdout


def test_a_job_is_shown_with_its_client_and_replays(stack: Stack, caller: Caller) -> None:
    job_id = completed(caller)
    again = stack.run("jobs", "replay", job_id, "--model", LARGE, "--no-wait").stdout.strip()

    first, other = ask(stack, "show", job_id), ask(stack, "show", again)

    assert (first["client_name"], first["replays"]) == (caller.name, [again])
    assert (other["replay_of"], other["model"]) == (job_id, LARGE)
    shown = stack.run("jobs", "show", again).stdout
    assert job_id in shown


def test_names_that_are_none_are_refused_in_words(stack: Stack, caller: Caller) -> None:
    done = stack.run("jobs", "replay", completed(caller), "--model", "two words")
    assert done.returncode == 1
    assert "model: has a character that must not be in it" in done.stderr


def test_unknown_and_running_jobs_are_refused(stack: Stack, caller: Caller) -> None:
    unknown = stack.run("jobs", "show", "00000000-0000-4000-8000-000000000000")
    job_id = caller.submit(f"{SPEC}\n[[peer: hang]]")
    early = stack.run("jobs", "replay", job_id, "--model", LARGE)
    caller.call("DELETE", f"/tickets/v1/jobs/{job_id}")

    assert (unknown.returncode, early.returncode) == (1, 1)
    assert "JOB_NOT_FOUND" in unknown.stderr
    assert "JOB_NOT_ENDED" in early.stderr
