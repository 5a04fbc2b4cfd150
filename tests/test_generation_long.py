"""Specs that no single call can take: planned, written in batches, and put together again."""

import random
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from tests.generation import failure, job, run
from tests.ollama_peer import LARGE, SMALL, OllamaPeer
from tests.waiting import eventually
from tickets.errors import JobErrorCode
from worker.cancellation import Cancellation
from worker.generation.job import GenerationCancelled
from worker.generation.journal import Journal
from worker.provider import Provider

_NOUNS = re.findall(
    r"\w+",
    "invoice order parcel customer refund voucher carrier warehouse label exchange photo reason "
    "status email agent report audit price tax country currency profile address payment receipt",
)


def long_spec(chapters: int, *, sections: int = 4, seed: int = 1) -> str:
    """A spec whose sentences are all different requirements."""
    chance = random.Random(seed)
    lines = ["# Platform"]
    for chapter in range(chapters):
        lines.append(f"\n## Chapter {chapter} about the {_NOUNS[chapter % len(_NOUNS)]}")
        for section in range(sections):
            one, other = chance.sample(_NOUNS, 2)
            lines.append(f"\n### The {one} and its {other} {chapter}.{section}")
            for rule in range(4):
                a, b, c = chance.sample(_NOUNS, 3)
                number = chapter * 100 + section * 10 + rule
                lines.append(f"The page must show the {a} of each {b} with the {c} rule {number}.")
    return "\n".join(lines)


def diligent(schema: dict[str, Any]) -> dict[str, Any]:
    """A model that writes as many tickets as it may, about all sentences in turn."""
    properties = schema["properties"]
    answer: dict[str, Any] = {"risks": [], "questions": [], "summary": "All about the platform."}
    if "epics" in properties:
        answer["epics"] = [
            {"title": f"Deliver part {n}", "description": f"Part {n}.", "outcome": f"{n} is done."}
            for n in range(properties["epics"]["minItems"])
        ]
    if "tickets" not in properties:
        return answer
    shape = properties["tickets"]
    numbers = shape["items"]["properties"]["sources"]["items"]
    count = shape["maxItems"] if shape["minItems"] == shape["maxItems"] else shape["maxItems"] // 2
    cited = range(numbers["minimum"], numbers["maximum"] + 1)
    size = max(1, -(-len(cited) // count))
    answer["tickets"] = [
        {
            "title": f"Build view {cited[0]} number {n}",
            "description": f"What the sentences of view {cited[0]} number {n} say.",
            "type": "task",
            "criteria": [f"View {cited[0]}.{n} shows everything."],
            "sources": list(cited[n * size : (n + 1) * size]) or [cited[-1]],
            "after": [1],
        }
        for n in range(count)
    ]
    return answer


@pytest.fixture
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        running.fill = diligent
        yield running


def leaves(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [ticket for ticket in result["tickets"] if ticket["ticket_type"] != "epic"]


def cited(result: dict[str, Any], spec: str) -> str:
    """All that the tickets' spans cover."""
    spans = [span for ticket in leaves(result) for span in ticket["metadata"]["source_spans"]]
    return "\n".join(spec[span["start"] : span["end"]] for span in spans)


@pytest.mark.parametrize("count", [None, 1, 3, 12, 50])
def test_every_requirement_of_a_long_spec_is_covered(peer: OllamaPeer, count: int | None) -> None:
    spec = long_spec(24)
    result = run(peer, job(spec, ticket_count=count))
    asked = " ".join(question["question"] for question in result["open_questions"])
    covered = cited(result, spec)
    for rule in re.findall(r"rule \d+\.", spec):
        assert rule in covered or asked


def test_hundred_kilobytes_are_read_to_the_end(peer: OllamaPeer) -> None:
    spec = long_spec(100)
    assert len(spec) > 100_000
    result = run(peer, job(spec))
    covered = cited(result, spec)
    assert all(rule in covered for rule in re.findall(r"rule \d+\.", spec))
    assert result["open_questions"] == []


@pytest.mark.slow
@pytest.mark.parametrize(("model", "count"), [(LARGE, 1), (SMALL, None)])
def test_megabyte_becomes_tickets_too(peer: OllamaPeer, model: str, count: int | None) -> None:
    """The largest spec that is taken; what no prompt has room for is not lost either."""
    spec = long_spec(640)
    assert len(spec) > 850_000
    peer.fill = diligent if model == LARGE else None
    result = run(peer, job(spec, ticket_count=count), model=model)
    assert count is None or len(result["tickets"]) == count


def test_each_call_fits_with_its_answer(peer: OllamaPeer) -> None:
    run(peer, job(long_spec(40)))
    assert len(peer.chats()) > 3
    for chat in peer.chats():
        prompt = sum(len(message["content"]) for message in chat["messages"]) // 4
        assert prompt + chat["options"]["num_predict"] <= chat["options"]["num_ctx"]


def test_epics_hold_tickets_of_several_batches(peer: OllamaPeer) -> None:
    spec = long_spec(24)
    tickets = run(peer, job(spec))["tickets"]
    epics = [ticket for ticket in tickets if ticket["ticket_type"] == "epic"]
    held = Counter(ticket["parent_external_id"] for ticket in leaves({"tickets": tickets}))
    assert len(epics) > 2
    assert set(held) == {epic["external_id"] for epic in epics}
    assert len([chat for chat in peer.chats() if "epics" in chat["format"]["properties"]]) == 1


def test_epics_of_no_use_are_made_of_headings(peer: OllamaPeer) -> None:
    peer.fill = lambda schema: (
        {"epics": "none"} if "epics" in schema["properties"] else diligent(schema)
    )
    journal = Journal()
    tickets = run(peer, job(long_spec(24)), journal=journal)["tickets"]
    titles = [ticket["title"] for ticket in tickets if ticket["ticket_type"] == "epic"]
    assert titles
    assert all("Chapter" in title or "and its" in title for title in titles)


def test_epics_of_an_outline_are_cleaned_and_completed(peer: OllamaPeer) -> None:
    def marked(schema: dict[str, Any]) -> dict[str, Any]:
        answer = diligent(schema)
        for epic in answer.get("epics", []):
            epic.update(title=f"## 1. **{epic['title']}**", description="TBD", outcome="It works.")
        return {**answer, "summary": "**All** of it"}

    peer.fill = marked
    result = run(peer, job(long_spec(24)))
    epics = [ticket for ticket in result["tickets"] if ticket["ticket_type"] == "epic"]
    assert epics[0]["title"] == "Deliver part 0"
    assert all("TBD" not in str(epic) and "It works" not in str(epic) for epic in epics)
    assert epics[0]["description"].startswith("Deliver part 0: ")
    assert result["source"]["summary"] == "All of it"


def test_without_epics_no_outline_is_asked_for(peer: OllamaPeer) -> None:
    run(peer, job(long_spec(24), include_epics=False))
    assert all("tickets" in chat["format"]["properties"] for chat in peer.chats())


def test_batches_say_what_the_rest_is_about(peer: OllamaPeer) -> None:
    run(peer, job(long_spec(24), include_epics=False))
    prompts = [chat["messages"][-1]["content"] for chat in peer.chats()]
    assert len(prompts) > 1
    assert all("part of a longer spec" in prompt for prompt in prompts)


def test_batches_are_written_at_once_where_there_are_servers() -> None:
    with ExitStack() as stack:
        peers = [stack.enter_context(OllamaPeer()) for _ in range(2)]
        for one in peers:
            one.fill = diligent
            one.takes = lambda: 0.05
        found = Provider(",".join(one.url for one in peers), model=LARGE)
        result = run(peers[0], job(long_spec(24), ticket_count=20), provider=found)
        assert len(leaves(result)) > 10
        assert all(one.chats() for one in peers)


def test_batch_that_no_model_can_write_is_made_of_the_specs_words(peer: OllamaPeer) -> None:
    """One bad stretch costs its own tickets' quality, and nothing else."""
    spec = long_spec(24).replace("rule 301.", "rule 301. [[peer: garbage]]")
    journal = Journal()
    result = run(peer, job(spec, ticket_count=40), journal=journal)
    assert "batch unusable" in {repair.rule for repair in journal.repairs}
    made = [t for t in leaves(result) if not t["title"].startswith("Build view")]
    assert 0 < len(made) < len(result["tickets"]) / 2
    assert all(ticket["metadata"]["confidence"] <= 0.4 for ticket in made)
    assert "rule 301." in cited(result, spec)


def test_batch_that_the_time_is_over_for_is_made_of_the_specs_words(peer: OllamaPeer) -> None:
    spec = long_spec(24).replace("rule 2301.", "rule 2301. [[peer: hang]]")
    journal = Journal()
    result = run(peer, job(spec, ticket_count=40), journal=journal, seconds=2)
    assert len(result["tickets"]) == 40
    assert "batch unusable" in {repair.rule for repair in journal.repairs}
    assert "rule 2301." in cited(result, spec)


def test_no_batch_in_time_fails_the_job(peer: OllamaPeer) -> None:
    fault = failure(peer, job(long_spec(24), title="Platform [[peer: hang]]"), seconds=0.3)
    assert fault.code is JobErrorCode.MODEL_TIMEOUT


def test_no_batch_of_use_fails_the_job(peer: OllamaPeer) -> None:
    fault = failure(peer, job(long_spec(24), title="Platform [[peer: garbage]]"))
    assert fault.code is JobErrorCode.MODEL_OUTPUT_INVALID
    assert "no JSON" in fault.message


def test_server_that_fails_once_within_a_job_costs_no_more_than_a_pause(
    peer: OllamaPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.generation.calls._PAUSES_S", (0.01, 0.02))
    spec = long_spec(24).replace("rule 2301.", "rule 2301. [[peer: fail-once x]]")
    journal = Journal()
    run(peer, job(spec), journal=journal)
    assert [call.error.partition(":")[0] for call in journal.calls if call.error] == [
        "ollama_unavailable"
    ]


def test_pause_that_a_server_asks_for_is_passed_on_when_the_time_is_too_short(
    peer: OllamaPeer,
) -> None:
    spec = long_spec(24).replace("rule 2301.", "rule 2301. [[peer: status 503]]")
    fault = failure(peer, job(spec), seconds=5)
    assert fault.code is JobErrorCode.OLLAMA_UNAVAILABLE
    assert fault.retry_after is not None
    assert fault.retry_after.total_seconds() == 7


def test_server_that_stays_away_fails_the_job_as_such(
    peer: OllamaPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.generation.calls._PAUSES_S", (0.01, 0.02))
    fault = failure(peer, job(long_spec(24).replace("rule 2301.", "[[peer: status 500]]")))
    assert (fault.code, fault.retryable) == (JobErrorCode.OLLAMA_UNAVAILABLE, True)


def test_cancelled_job_hangs_up_on_all_servers() -> None:
    with ExitStack() as stack:
        peers = [stack.enter_context(OllamaPeer()) for _ in range(2)]
        found = Provider(",".join(one.url for one in peers), model=LARGE)
        cancellation = Cancellation()
        asked = job(long_spec(24), title="Platform [[peer: hang]]", include_epics=False)
        pool = stack.enter_context(ThreadPoolExecutor(1))
        running = pool.submit(run, peers[0], asked, provider=found, cancellation=cancellation)
        eventually(lambda: all(one.chats() for one in peers))
        cancellation.request()
        with pytest.raises(GenerationCancelled):
            running.result(timeout=10)
        eventually(lambda: [one.disconnects for one in peers] == [1, 1])


def test_twins_across_batches_are_merged(peer: OllamaPeer) -> None:
    def repetitive(schema: dict[str, Any]) -> dict[str, Any]:
        answer = diligent(schema)
        for ticket in answer.get("tickets", [])[:1]:
            ticket["title"] = "Let agents search all invoices"
            ticket["description"] = "Agents search the invoices by number, date and customer."
            ticket["criteria"] = ["A search by number finds the invoice."]
        return answer

    peer.fill = repetitive
    journal = Journal()
    result = run(peer, job(long_spec(24)), journal=journal)
    titles = [ticket["title"] for ticket in result["tickets"]]
    assert sum("search all invoices" in title for title in titles) == 1
    assert any(repair.rule == "ticket twice" and repair.done for repair in journal.repairs)


def test_asked_count_survives_the_merging_of_twins(peer: OllamaPeer) -> None:
    def lazy(schema: dict[str, Any]) -> dict[str, Any]:
        answer = diligent(schema)
        for ticket in answer.get("tickets", []):
            ticket.update(
                title="Show the page",
                description="The page is shown to each customer with everything on it.",
                criteria=["The page is shown."],
            )
        return answer

    peer.fill = lazy
    result = run(peer, job(long_spec(12), ticket_count=20))
    assert len(result["tickets"]) == 20
    titles = [ticket["title"] for ticket in result["tickets"]]
    assert len(set(titles)) == 20
