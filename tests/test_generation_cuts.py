"""Where a section is cut when it gives several tickets, and what they are then called."""

from collections.abc import Iterator

import pytest

from tests.generation import job, leaves, run, titles
from tests.ollama_peer import SMALL, OllamaPeer


@pytest.fixture(scope="module")
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


@pytest.mark.parametrize(
    "leaning",
    [
        "They are sorted by date.",
        "Otherwise the page says that there are none.",
        "Response 404: there is no such room.",
        "404 when there is no such room.",
        "409 \u2013 the room is taken.",
    ],
)
def test_what_leans_on_the_line_before_it_goes_with_it(peer: OllamaPeer, leaning: str) -> None:
    spec = (
        f"# Rooms\n- Guests search rooms.\n- {leaning}\n- Guests book rooms.\n- Staff add rooms.\n"
    )
    found = [one["acceptance_criteria"] for one in leaves(peer, spec, ticket_count=3)]
    assert found == [
        ["Guests search rooms.", leaning],
        ["Guests book rooms."],
        ["Staff add rooms."],
    ]


@pytest.mark.parametrize(
    "told",
    [
        "500 guests are served at once.",
        "IT staff add rooms.",
        "It should be possible to cancel.",
        "Return 20 rooms at most.",
    ],
)
def test_what_only_begins_like_it_leans_on_nothing(peer: OllamaPeer, told: str) -> None:
    spec = f"# Rooms\n- Guests search rooms.\n- {told}\n- Staff add rooms.\n"
    assert len(leaves(peer, spec, ticket_count=3)) == 3


def test_what_leans_is_cut_off_before_work_is_invented(peer: OllamaPeer) -> None:
    spec = "# Rooms\n- Guests search rooms.\n- They are sorted by date.\n"
    found = [one["acceptance_criteria"] for one in leaves(peer, spec, ticket_count=2)]
    assert found == [["Guests search rooms."], ["They are sorted by date."]]


@pytest.mark.parametrize(
    ("told", "title"),
    [
        ("GET /rooms", "Implement GET /rooms"),
        (
            "`POST /rooms/{id}/holds`: hold it; 409 if taken",
            "Implement POST /rooms/{id}/holds: hold it",
        ),
        ("DELETE /rooms/{id} - Remove a room", "Implement DELETE /rooms/{id}: remove a room"),
        ("PUT /rooms/{id} must be idempotent", "Ensure that PUT /rooms/{id} is idempotent"),
    ],
)
def test_calls_of_an_interface_are_implemented(peer: OllamaPeer, told: str, title: str) -> None:
    assert titles(peer, f"# API\n- {told}\n- Staff add rooms.\n", ticket_count=2)[0] == title


def test_one_of_several_listed_things_names_no_section(peer: OllamaPeer) -> None:
    peer.choose = lambda values: values[-1]
    spec = "# Ledger\n- Record each payment\n- Show a balance\n- Export it as CSV\n"
    assert titles(peer, f"{spec}\n# Sign-in\nStaff sign in by SSO.\n")[0] == "Implement ledger"


def test_a_sentence_that_explains_nothing_alone_does_not_lead(peer: OllamaPeer) -> None:
    peer.choose = lambda values: values[-1]
    told = "Run both for 14 days. Switch the dashboards of finance. Then marketing. Fast."
    found, _ = leaves(peer, f"# Cut-over\n{told}\n# Sign-in\nStaff sign in by SSO.\n")
    assert found["description"] == "Switch the dashboards of finance."


def test_a_rule_does_not_stand_for_what_somebody_can_do(peer: OllamaPeer) -> None:
    peer.choose = lambda values: values[-1]
    spec = (
        "# Requirements\n1. Users can enable codes by an app.\n2. A code must be confirmed.\n"
        "3. Admins must use codes.\n4. The log must be kept.\n"
    )
    found = titles(peer, spec, ticket_count=2)
    assert found[0] == "Let users enable codes by an app"


def test_an_epic_of_parts_that_name_nothing_is_called_like_the_whole(peer: OllamaPeer) -> None:
    items = "".join(f"{number}. Users can see page {number}.\n" for number in range(1, 13))
    calls = "".join(f"- GET /pages/{number}\n" for number in range(1, 4))
    spec = f"# Pages\n## Proposed solution\nAdd pages.\n## Requirements\n{items}## API\n{calls}"
    spec += "## Texts\nEditors can write texts. They can be translated.\n"
    told = run(peer, job(spec, title="Help pages"), model=SMALL)["tickets"]
    epics = [one["title"] for one in told if one["ticket_type"] == "epic"]
    assert epics == ["Help pages", "API and texts"]


ABLE = """# Scope
The app shall allow members to:
1. create a booking
2. remove a booking

Trainers shall be able to:
a) create classes
b) remove classes
"""


def test_an_item_is_told_with_what_it_completes(peer: OllamaPeer) -> None:
    found = leaves(peer, ABLE)
    assert [one["description"] for one in found] == [
        "The app shall allow members to create a booking.",
        "The app shall allow members to remove a booking.",
        "Trainers shall be able to create classes.",
        "Trainers shall be able to remove classes.",
    ]


@pytest.mark.parametrize(
    "spec",
    [
        ABLE,
        "# Features\n1. Add rooms\n2. Remove rooms\n3. Rename rooms\n",
        "# Rooms\na) Add rooms\nb) Remove rooms\nc) Rename rooms\n",
    ],
    ids=["able", "features", "letters"],
)
def test_things_that_are_only_counted_have_no_order(peer: OllamaPeer, spec: str) -> None:
    found = leaves(peer, spec)
    assert len(found) > 2
    assert not [one for one in found if one["dependencies"]]


def test_an_epic_is_never_called_by_a_heading_that_is_not_there(peer: OllamaPeer) -> None:
    listed = "".join(f"- Members see page {number}.\n" for number in range(1, 7))
    spec = f"Members read.\n\n# Scope\n{listed}\n# API\n{listed.replace('page', 'list')}"
    told = run(peer, job(spec, title="Help pages", ticket_count=13), model=SMALL)["tickets"]
    epics = [one["title"] for one in told if one["ticket_type"] == "epic"]
    assert epics == ["Help pages", "API"]


def test_a_part_called_like_a_person_says_what_that_does(peer: OllamaPeer) -> None:
    spec = (
        "# School\n*Draft - for discussion*\n\n## Roles\n### Teacher\n- uploads videos\n"
        "- sees all results\n### Administrator\n- manages invoices\n### Calendar\n- shows results\n"
        "### Working together\nChanges show up on other phones at once.\n"
    )
    found = [(one["title"], one["ticket_type"]) for one in leaves(peer, spec)]
    assert found == [
        ("Let the teacher upload videos", "story"),
        ("Let the administrator manage invoices", "story"),
        ("Implement calendar", "task"),
        ("Implement working together", "task"),
    ]


def test_a_row_is_told_without_what_a_ticket_has_a_field_for(peer: OllamaPeer) -> None:
    spec = (
        "| ID | Feature | Description | Priority | Effort |\n|---|---|---|---|---|\n"
        "| F1 | Wishlist | Users save products; they can share them | Low | S |\n"
        "| F2 | Search | Users find products | High | M |\n"
    )
    found = leaves(peer, spec)
    assert [(one["acceptance_criteria"], one["priority"]) for one in found] == [
        (["Wishlist \u2013 ID: F1; Users save products; they can share them; Effort: S"], "low"),
        (["Search \u2013 ID: F2; Users find products; Effort: M"], "high"),
    ]


def test_stories_are_cut_apart_before_their_criteria_are(peer: OllamaPeer) -> None:
    spec = (
        "As a guest, I want to book.\n- A booking has a date\n- It has a room\n- It has a price\n\n"
        "As a guest, I want to pay.\n- Cards are taken\n"
    )
    found = [one["acceptance_criteria"][0] for one in leaves(peer, spec, ticket_count=2)]
    assert found == ["As a guest, I want to book.", "As a guest, I want to pay."]
