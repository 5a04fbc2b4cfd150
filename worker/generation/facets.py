"""Further tickets about work that has one already.

Only when more tickets are asked for than the spec has sentences. They say so:
nothing is made up about the product, only ordinary steps of doing the work.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Facet:
    """One step beside the work itself.

    Attributes:
        step: Begins the title; the title of the work follows.
        kind: The contract's `ticket_type`.
        criterion: True when the step is done; the requirement follows.
    """

    step: str
    kind: str
    criterion: str


FACETS = (
    Facet("Write automated tests", "task", "An automated test fails when this does not hold"),
    Facet("Document for users", "task", "The documentation for users explains this"),
    Facet("Plan the design", "spike", "The design is written down and agreed on for this"),
    Facet("Handle errors", "task", "It is decided and tested what happens when this goes wrong"),
    Facet("Review with stakeholders", "task", "The people who asked for this have seen it work"),
    Facet("Prepare the release", "task", "The steps to release this are written down and tried"),
    Facet("Watch in production", "task", "It shows in production whether this holds"),
    Facet("Check security", "task", "A review has found no open weakness in this"),
    Facet("Check accessibility", "task", "People with assistive technology can use this"),
    Facet("Measure performance", "task", "The time that this takes is measured under load"),
    Facet("Document for operators", "task", "The documentation for operators explains this"),
    Facet("Prepare support staff", "task", "Support can answer questions about this"),
    Facet("Check existing data", "spike", "It is known what this means for data that exists"),
    Facet(
        "Try with pilot users", "task", "Pilot users have tried this, and their remarks are noted"
    ),
    Facet("Plan the way back", "task", "The steps to undo the release of this are tried"),
    Facet("Check privacy", "task", "It is known which personal data this touches"),
    Facet("Prepare translations", "task", "All texts that this shows can be translated"),
    Facet("Collect feedback", "task", "Feedback on this is collected and looked through"),
    Facet("Define measures of success", "spike", "It is agreed how to tell that this has worked"),
    Facet("Clean up after release", "task", "Nothing temporary remains of the work on this"),
)


def facet(number: int) -> Facet:
    """The facet of a number from 1; they begin again after the last."""
    return FACETS[(number - 1) % len(FACETS)]
