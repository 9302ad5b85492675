"""Sources that follow a fake cluster, as a test asks them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from exporter.destinations.scopes import Scopes
from exporter.expectations.asked import labels_from, subject_from, target_from
from exporter.expectations.evaluator import Evaluator
from exporter.expectations.interface import Answer, Expectation
from exporter.expectations.kind_state import KindState
from exporter.expectations.manifests import Manifests
from exporter.expectations.question import Question
from exporter.expectations.settings import ExpectationsSettings, KubernetesSettings
from exporter.expectations.sources import Sources
from tests.expectations.fake_api import FakeApi
from tests.programs import eventually

API = "203.0.113.7"


class Following:
    """Sources at work, and the last thing that they told."""

    def __init__(self, settings: ExpectationsSettings) -> None:
        self.sources = Sources(settings, follow=True)
        self.read: Manifests = self.sources.read
        self.times = 0
        """How often something new was told."""
        assert self.sources.cluster
        self.cluster = self.sources.cluster
        works = [lambda: self.sources.work(self._take), *(watcher.work for watcher in self.cluster.watchers)]
        self.threads = [threading.Thread(target=work, daemon=True) for work in works]
        for thread in self.threads:
            thread.start()

    def _take(self, read: Manifests, is_new: bool) -> None:
        self.read, self.times = read, self.times + is_new

    def asked(self, to: str = API, source: str = "shop/web") -> Answer:
        """The answer for a contact of pods with the label app=web, by what was last told."""
        read = self.read
        subject = subject_from(source, labels_from("app=web"), read.objects)
        target = target_from(to, labels_from("app=db") if "/" in to else None, read.objects, Scopes())
        return Evaluator(read.policies).answer(Question(subject, target, "tcp", 443), date(2027, 1, 1))

    def becomes(self, answer: Expectation, to: str = API) -> None:
        """Wait until the answer is this one."""
        eventually(lambda: self.asked(to).expectation is answer, f"{answer} for {to}; it is {self.asked(to)}")

    def state(self, resource: str) -> KindState:
        """How it goes with a kind."""
        return next(state for kind, state in self.cluster.states.items() if kind.resource == resource)

    def settle(self) -> None:
        """Wait until it is known what there is of all kinds, and told."""
        states = self.cluster.states.values()
        eventually(lambda: all(state.is_settled and state.trouble is None for state in states), "all kinds known")
        eventually(lambda: not any(policy.not_evaluated for policy in self.read.policies), "a whole reading")

    def stop(self) -> None:
        """End all threads, promptly."""
        self.sources.stop()
        for thread in self.threads:
            thread.join(10)
        assert not [thread for thread in self.threads if thread.is_alive()]


@contextmanager
def following(api: FakeApi, folder: Path, *files: str, **settings: object) -> Iterator[Following]:
    """Follow it with short pauses, and a look at the files only when somebody asks for one."""
    short = {"rebuild_interval": 0.0, "first_delay": 0.02, "longest_delay": 0.05, "absent_delay": 0.05, "timeout": 20.0}
    kubernetes = KubernetesSettings.model_validate(
        {"enabled": True, "kubeconfig": api.kubeconfig(folder), **short, **settings}
    )
    run = Following(ExpectationsSettings(files=files, check_interval=3600.0, kubernetes=kubernetes))
    try:
        yield run
    finally:
        run.stop()
