"""docs/performance.md and docs/statistics.md show the stored results."""

from benchmarks import proofs
from benchmarks.report import PAGE, TABLES, written
from benchmarks.results import kept


def test_every_table_is_generated_from_the_results() -> None:
    assert set(kept()) == {*TABLES, proofs.NAME}
    assert written(PAGE.read_text(), kept()) == PAGE.read_text(), "run: python -m benchmarks.report"
    assert proofs.written(proofs.PAGE.read_text(), kept()) == proofs.PAGE.read_text(), "run: python -m benchmarks.proofs"
