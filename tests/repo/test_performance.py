"""docs/performance.md shows the stored results."""

from benchmarks.report import PAGE, TABLES, written
from benchmarks.results import kept


def test_every_table_is_generated_from_the_results() -> None:
    assert set(kept()) == set(TABLES)
    assert written(PAGE.read_text(), kept()) == PAGE.read_text(), "run: python -m benchmarks.report"
