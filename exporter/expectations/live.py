"""The files in effect: read again when one of them changed, and kept when the new ones are broken."""

from exporter.expectations.files import ExpectationsError, load_files, stamps_of
from exporter.expectations.manifests import Manifests
from exporter.expectations.settings import ExpectationsSettings, workload_chooser
from exporter.log import logger

_MOST_LINES = 20
"""Faults of one reading that are logged: a folder may have thousands."""


class LiveFiles:
    """Reads the files of `expectations.files`. One thread uses it."""

    def __init__(self, settings: ExpectationsSettings) -> None:
        """Read them for the first time.

        Raises:
            ExpectationsError: when one cannot be used; later on that is logged, and the previous ones stay.
        """
        self._paths = settings.files
        self._gateways = tuple(map(workload_chooser, settings.egress_gateways))
        self._stamps = stamps_of(self._paths)
        self.read: Manifests = load_files(self._paths, self._gateways)
        self.successful = True
        """Whether the last reading succeeded."""

    def look(self, *, again: bool = False) -> Manifests | None:
        """What stands in the files now, None when nothing new can be used; `again` reads them in any case."""
        stamps = stamps_of(self._paths)
        if stamps == self._stamps and not again:
            return None
        # Stamps are those from before the reading: what is written meanwhile shows as a change the next time.
        self._stamps = stamps
        try:
            self.read = load_files(self._paths, self._gateways)
        except ExpectationsError as error:
            self.successful = False
            for fault in error.faults[:_MOST_LINES]:
                logger().error("expectations_refused", fault=str(fault), in_effect="the previous")
            if len(error.faults) > _MOST_LINES:
                logger().error("expectations_refused", more_faults=len(error.faults) - _MOST_LINES)
            return None
        self.successful = True
        logger().info("expectations_read", policies=len(self.read.policies), files=len(stamps))
        return self.read
