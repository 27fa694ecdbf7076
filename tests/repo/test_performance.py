"""What the page on performance shows is what was measured."""

from benchmarks.report import PAGE, TABLES, written
from benchmarks.results import kept


def test_every_table_is_written_from_the_results() -> None:
    assert set(kept()) == set(TABLES)
    assert written(PAGE.read_text(), kept()) == PAGE.read_text(), "run: python -m benchmarks.report"
