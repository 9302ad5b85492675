"""What expectations cost, measured in a process of its own."""

import json
import subprocess
import sys

from tests.benchmarks.policies import policies
from tests.benchmarks.report import Figures
from tests.benchmarks.session import Session, say
from tests.programs import environment

POLICIES = 5_000


def expectations(session: Session) -> Figures:
    """Read 5,000 policies, answer 100,000 distinct questions, and let flows pass with them and without."""
    say(f"expectations: {POLICIES} policies, 100,000 distinct questions")
    file = session.folder / "policies.yaml"
    file.write_text("---\n".join(policies(POLICIES)))
    command = [sys.executable, "-m", "tests.benchmarks.asking", str(file)]
    done = subprocess.run(command, env=environment(), check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures
