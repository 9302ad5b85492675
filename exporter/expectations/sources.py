"""Files and the cluster together: one reading of both, made anew when one of them changed."""

import threading
import time
from collections import Counter
from collections.abc import Callable

from exporter.expectations.kubernetes import LiveCluster
from exporter.expectations.live import LiveFiles
from exporter.expectations.manifests import Manifests
from exporter.expectations.objects import Objects
from exporter.expectations.settings import ExpectationsSettings, workload_chooser
from exporter.log import logger


class Sources:
    """What is expected, from all sources. `work` is for one thread."""

    def __init__(self, settings: ExpectationsSettings, *, follow: bool) -> None:
        """Read the files for the first time; with `follow` the cluster too, as soon as it answers.

        Raises:
            ExpectationsError: when a file cannot be used, or nothing says where the cluster is.
        """
        self._settings = settings
        self._woken, self._again = threading.Event(), threading.Event()
        self._stopping = threading.Event()
        self.files = LiveFiles(settings)
        self._of_files = self.files.read.objects.copy()
        gateways = tuple(map(workload_chooser, settings.egress_gateways))
        enabled = follow and settings.kubernetes.enabled
        self.cluster = LiveCluster(settings.kubernetes, gateways, self._woken.set) if enabled else None
        self.read = self.combined()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the landing page says of them."""
        return self.cluster.remarks() if self.cluster else ()

    def read_again(self) -> None:
        """Read the files soon, whether they changed or not."""
        self._again.set()
        self._woken.set()

    def stop(self) -> None:
        """End `work` and all that follows the cluster."""
        self._stopping.set()
        self._woken.set()
        if self.cluster:
            self.cluster.stop()

    def work(self, expect: Callable[[Manifests, bool], None]) -> None:
        """Tell what is expected whenever it changes, and whether the files could be read, until `stop`."""
        looked = time.monotonic()
        while not self._stopping.is_set():
            self._woken.wait(max(0.0, looked + self._settings.check_interval - time.monotonic()))
            self._woken.clear()
            if self._stopping.is_set():
                return
            again, is_new = self._again.is_set(), False
            if again or time.monotonic() >= looked + self._settings.check_interval:
                self._again.clear()
                is_new, looked = self._look_at_files(again=again), time.monotonic()
            changed = self.cluster is not None and self.cluster.look()
            if is_new or changed:
                self.read = self.combined()
            expect(self.read, is_new or changed)
            if changed:
                # What changes meanwhile is read together.
                self._stopping.wait(self._settings.kubernetes.rebuild_interval)

    def _look_at_files(self, *, again: bool) -> bool:
        if self.files.look(again=again) is None:
            return False
        before, self._of_files = self._of_files, self.files.read.objects.copy()
        if self.cluster and (before.pods or self._of_files.pods):
            # Policies of the cluster name ports of pods that only files tell of.
            reader = self.cluster.reader
            reader.shared.adopt([self._of_files, *reader.objects])
            reader.forget()
            reader.take(self.cluster.held.all())
        return True

    def combined(self) -> Manifests:
        """All that is expected now, by what was read last."""
        if self.cluster is None:
            return self.files.read
        reader = self.cluster.reader
        both = Objects()
        both.adopt([self._of_files, *reader.objects])
        for shared in (self.files.read.objects, reader.shared):
            shared.adopt([both])
        policies = (*self.files.read.policies, *self.cluster.policies())
        logger().debug("expectations_combined", policies=len(policies))
        return Manifests(policies, both, Counter(), ())
