"""Specs in the markup of other tools than Markdown's, with a small model, are read as they look."""

from collections.abc import Iterator

import pytest

from tests.generation import criteria, job, leaves, run, titles
from tests.ollama_peer import SMALL, OllamaPeer


@pytest.fixture(scope="module")
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


ASCIIDOC = """= Ferries
:author: Harbour

== Sale

. The passenger picks a route.
.. The route has a price.

[NOTE]
====
Prices are set in January.
====

[cols="1,1",options="header"]
|===
|Route |Seats
|North |220
|===

// ask about keys

== Out of scope

Freight.
"""
WIKI = """h1. Ferries
{info}Status: draft{info}
{toc}

h2. Sale
# The passenger picks a route.
** The route has a {color:red}price{color} in {{EUR}}.
* Prices are set by [the port|https://port.example.com].

||Route||Seats||
|North|220|

{panel:title=Out of scope}
Freight.
{panel}
"""
LATEX = r"""\documentclass{article}
\title{Ferries}
\begin{document}
\section{Sale}
% ask about keys
The passenger \textbf{must} pick a route~\cite{routes}.
\begin{itemize}
  \item[a] Prices are set in January.
\end{itemize}
\section{Out of scope}
Freight.
\end{document}
"""
ORG = """#+TITLE: Ferries
* Sale
** TODO Routes :web:
DEADLINE: <2026-05-01 Fri>
:PROPERTIES:
:OWNER: Jo
:END:
- the passenger picks a [[https://port.example.com][route]]
** DONE Imprint
* Out of scope
Freight.
"""
RST = """=======
Ferries
=======

:Author: Harbour

.. contents::

Sale
====

Routes
~~~~~~

#. The passenger picks a `route <https://port.example.com>`_.

.. note::

   Prices are set in January.

.. code-block:: xml

   <route id="1"/>

Not in scope
============

Freight.
"""


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (
            ASCIIDOC,
            [
                "The passenger picks a route.",
                "The route has a price.",
                "Prices are set in January.",
                "North \N{EN DASH} Seats: 220",
            ],
        ),
        (
            WIKI,
            [
                "The passenger picks a route.",
                "The route has a price in EUR.",
                "Prices are set by the port.",
                "North \N{EN DASH} Seats: 220",
            ],
        ),
        (LATEX, ["The passenger must pick a route.", "Prices are set in January."]),
        (ORG, ["the passenger picks a route"]),
        (RST, ["The passenger picks a route.", "Prices are set in January."]),
    ],
    ids=["AsciiDoc", "wiki", "LaTeX", "Org", "reStructuredText"],
)
def test_markup_is_read_as_what_it_shows(peer: OllamaPeer, spec: str, told: list[str]) -> None:
    found = leaves(peer, spec, ticket_count=1)
    assert found[0]["acceptance_criteria"] == told


@pytest.mark.parametrize("spec", [ASCIIDOC, WIKI, LATEX, ORG, RST])
def test_tickets_cite_the_text_that_came_in(peer: OllamaPeer, spec: str) -> None:
    spans = [span for one in leaves(peer, spec) for span in one["metadata"]["source_spans"]]
    cited = " ".join(spec[span["start"] : span["end"]] for span in spans)
    assert "passenger" in cited
    assert "Freight" not in cited


def test_each_feature_is_a_ticket_with_its_scenarios(peer: OllamaPeer) -> None:
    spec = (
        "@wip\nFeature: Gift cards\n  As a shopper\n  I want to pay with my gift card\n"
        "  So that I use it up\n\n  Background:\n    Given a full cart\n\n"
        "  Scenario: It covers all\n    Given a card with 50 EUR\n    When I pay\n"
        "    Then nothing is due\n\n  Scenario Outline: It is refused\n"
        "    When I enter <code>\n    Then the page says <why>\n\n    Examples:\n"
        "      | code | why |\n      | OLD-1 | This card expired |\n"
    )
    (ticket,) = leaves(peer, spec, ticket_count=1)
    assert "Let a shopper pay with their gift card" in titles(peer, spec, ticket_count=3)
    assert ticket["acceptance_criteria"][1:] == [
        "It covers all: Given a card with 50 EUR When I pay Then nothing is due",
        "It is refused: When I enter <code> Then the page says <why>",
        "This card expired \N{EN DASH} code: OLD-1",
    ]


def test_marks_around_a_text_in_markdown_are_no_work(peer: OllamaPeer) -> None:
    spec = (
        "---\ntitle: Guide\nstatus: draft\n---\n\n# Guide :headphones:\n\n"
        "[![build](https://ci.example.com/b.svg)](https://ci.example.com)\n\n"
        "## Player[^1]\n\n> [!WARNING]\n> Old tracks must not be played.\n\n"
        "<details>\n<summary>Beacons</summary>\n\nStaff see the battery.<br>It ==never== lies.\n\n"
        "</details>\n\n[^1]: See <https://example.com/old>.\n[wcag]: https://example.com/wcag\n"
    )
    assert criteria(peer, spec, ticket_count=1) == [
        "Old tracks must not be played.",
        "Staff see the battery. It never lies.",
    ]


def test_what_is_all_marks_is_told_nevertheless(peer: OllamaPeer) -> None:
    spec = "---\ntitle: Guests can pay by card\n---\n"
    assert "Guests can pay by card" in criteria(peer, spec)[0]


def test_what_is_ticked_off_or_struck_out_is_no_work(peer: OllamaPeer) -> None:
    spec = (
        "# Reader\n## TODO\n- [x] parse feeds\n- [ ] import bookmarks\n"
        "- [ ] ~~mobile app~~ (the page is enough)\n- search by date\n"
    )
    assert criteria(peer, spec) == ["import bookmarks", "search by date"]


def test_a_test_that_is_passed_stays_a_criterion(peer: OllamaPeer) -> None:
    spec = "# Sessions\nMove them.\n\n**Acceptance**\n- [x] load of 5k rps\n- [ ] no logouts\n"
    assert "load of 5k rps" in criteria(peer, spec)


def test_windows_lines_and_tabs_change_nothing(peer: OllamaPeer) -> None:
    spec = "\ufeffMust-haves\n\n\t1.\tCalendar view\n\t2.\tText reminder\n"
    assert titles(peer, spec.replace("\n", "\r\n")) == titles(peer, spec)
    assert titles(peer, spec) == ["Add calendar view", "Add text reminder"]


def test_markup_of_another_tool_in_a_code_block_is_code(peer: OllamaPeer) -> None:
    spec = (
        "# Docs\n\n## Import\nEditors can import pages:\n\n```\n= Title\n. item\n```\n\n"
        "Pages keep their order.\n"
    )
    result = run(peer, job(spec), model=SMALL)
    assert "= Title . item" in result["tickets"][-1]["description"]


def test_a_background_at_the_margin_takes_no_scenario_with_it(peer: OllamaPeer) -> None:
    spec = (
        "Feature: Gift cards\nAs a shopper\nI want to pay with my card\nSo that I use it up\n\n"
        "Background:\n  Given a full cart\n\n"
        "Scenario: It covers all\n  When I pay\n  Then nothing is due\n"
    )
    (ticket,) = leaves(peer, spec, ticket_count=1)
    assert ticket["acceptance_criteria"][1:] == ["It covers all: When I pay Then nothing is due"]
    assert "Context: Given a full cart" in ticket["description"]
