"""docs/guide/providers.md says what each provider can do, and how fresh its flags are."""

from datetime import timedelta

from activities.providers.elsewhere import LIST_TTL
from activities.providers.unleash.system import NEEDED
from activities.retries import LONGEST_WAIT
from api.fresh_flags import LIST_AGE, PAUSE, VIEW_TTL
from domain.audit import AuditEvent
from domain.flags.connection import USUAL_CALLS
from tests.repo.capabilities_table import capabilities_table
from tests.repo.guide import text_of
from workflows.policies import ELSEWHERE_OPTIONS

GUIDE = text_of("docs/guide/providers.md")


def test_guide_shows_the_table_of_capabilities() -> None:
    _, _, rest = GUIDE.partition("<!-- capabilities -->\n")

    assert rest.partition("\n<!-- /capabilities -->")[0] == capabilities_table(), "run: python -m tests.repo.capabilities_table"


def test_guide_has_the_numbers_of_the_code() -> None:
    numbers = f"A list is at most {LIST_TTL.seconds} seconds old, and a single flag {VIEW_TTL.seconds} second."

    assert numbers in GUIDE
    assert f"the state of a flag can be up to {LIST_AGE.seconds} seconds old" in GUIDE
    assert f"try again every {PAUSE:g} seconds" in GUIDE
    assert f"by default {USUAL_CALLS} |" in GUIDE
    assert (LONGEST_WAIT, ELSEWHERE_OPTIONS["retry_policy"].maximum_interval) == (timedelta(minutes=5), timedelta(seconds=30))


def test_guide_names_every_permission_and_event() -> None:
    events = [each.value for each in AuditEvent if each.value.startswith("provider.")]

    assert [each for each in (*NEEDED, *events) if f"`{each}`" not in GUIDE] == []
