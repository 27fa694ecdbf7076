"""Rules for metrics, samples and breaches."""

from hypothesis import strategies as st

from activities.guarding.breach import take_breach
from activities.store.evidence import WatchKey
from tests.workflows.state_machine import strategies
from tests.workflows.state_machine.environment import Backend
from tests.workflows.state_machine.guard_model import GuardrailModel
from tests.workflows.state_machine.rules import rule
from tests.workflows.state_machine.stops_freezes import StopsFreezes
from tests.workflows.state_machine.strategies import rarely
from tests.workflows.state_machine.watching import answer

_GAPS = st.sampled_from((37, 37, 149))


class Guardrails(StopsFreezes):
    """Metrics that pass, fail or can't tell, and watches that see it."""

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self.set_metrics(errors="pass", speed="pass", deploys="pass", conversion="wins")

    @rule(conversion=st.sampled_from(("wins", "wins", "undecided", "undecided", "unknown")), gap=st.sampled_from((0, 37, 71)))
    def change_conversion(self, conversion: str, gap: int) -> None:
        self.set_metrics(conversion=conversion)
        self.let_pass(gap)
        self.look()

    @rule(errors=strategies.outcomes, speed=strategies.outcomes, deploys=strategies.outcomes)
    def change_metrics(self, errors: str, speed: str, deploys: str) -> None:
        self.set_metrics(errors=errors, speed=speed, deploys=deploys)

    @rule(
        seen=st.lists(st.tuples(strategies.outcomes, strategies.outcomes), min_size=1, max_size=4),
        gap=_GAPS,
        unprepared=rarely,
        dies=rarely,
        recovers=st.booleans(),
    )
    def watch(self, seen: list[tuple[str, str]], gap: int, unprepared: bool, dies: bool, recovers: bool) -> None:
        self.ensure_guarded(unprepared)
        for number, (errors, speed) in enumerate(seen):
            self.let_pass(gap if number else 0)
            self.set_metrics(errors=errors, speed=speed)
            self.look(dies=dies and number == 0)
        if recovers:
            self.set_metrics(errors="pass", speed="pass", deploys="pass")

    @rule(times=st.integers(1, 3))
    def look_again(self, times: int) -> None:
        for _ in range(times):
            self.look()

    @rule(times=st.integers(1, 2))
    def take_breaches_again(self, times: int) -> None:
        if not self.is_settling:
            self.settle()
        left = {key for key, rule in self.model.stage.rules.items() if key in self.model.watches.seen and self._is_breached(key, rule)}
        if self.model.is_finished or left:
            return
        for _ in range(times):
            assert not self._take_breaches()

    def set_metrics(self, **outcomes: str) -> None:
        """Let these metrics have these outcomes."""
        self.metrics.update(outcomes)
        answer(self.backend.metrics, outcomes)

    def ensure_guarded(self, unprepared: bool) -> None:
        """Bring the release to a stage in which something is sampled, or nearer to it."""
        self.ensure_stage(unprepared, lambda: bool(self.model.stage.rules))

    def look(self, *, dies: bool = False) -> None:
        """Look at the stage as its watch does, with or without a worker for workflows."""
        self.settle()
        if self.model.is_finished or self.model.status == "starting":
            return
        at = self.backend.run(self.current_time())
        self.backend.run(self.backend.looks.look(self.release, at, dies=dies))
        self.is_settling = True
        for key in self.model.watched:
            if not (self.model.is_finished or self.model.is_undone):
                self.model.sample([key])
                self.model.wake_if_all_pass()
                if not dies:
                    self.model.take_breaches([key])
        self.settle()

    def _take_breaches(self) -> list[str]:
        """Take all breaches of the visit, as by a watch that is late. Returns those that had a consequence."""
        record, at = self.harness.record(self.release), self.backend.run(self.current_time())
        taken = list[str]()
        with self.backend.database.transaction() as store:
            for guardrail in store.pipelines.version(record.pipeline.id).definition.guardrails:
                watch = WatchKey(record.id, record.visit, guardrail.key)
                if take_breach(store, record.project, watch, guardrail, at):
                    taken.append(guardrail.name)
        return taken

    def _is_breached(self, key: str, rule: object) -> bool:
        return isinstance(rule, GuardrailModel) and self.model.watches.seen[key].breaches(rule)
