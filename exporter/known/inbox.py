"""What waits for the memory: notes of the stream's thread for the one that talks to the store."""

import threading
from collections import deque

from exporter.known.sighting import Note


class Inbox:
    """A bounded queue. Notes go in under the pipeline's lock and come out in another thread."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.refused = 0
        self._notes: deque[Note] = deque()
        self.arrived = threading.Event()
        """Set when something waits."""

    @property
    def is_filling(self) -> bool:
        """Whether half of the room is taken."""
        return 2 * len(self._notes) > self.most

    def __len__(self) -> int:
        return len(self._notes)

    def offer(self, note: Note) -> bool:
        """Put a note in; False, and counted, when there is no room."""
        if len(self._notes) >= self.most:
            self.refused += 1
            return False
        self._notes.append(note)
        if not self.arrived.is_set():
            self.arrived.set()
        return True

    def take(self, most: int) -> list[Note]:
        """The notes that wait longest."""
        self.arrived.clear()
        notes = self._notes
        taken = [notes.popleft() for _ in range(min(most, len(notes)))]
        if notes:
            self.arrived.set()
        return taken
