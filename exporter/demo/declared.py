"""What the demo's cluster declares of its workloads, in a file as anybody would write one."""

from pathlib import Path

ALLOWLIST = str(Path(__file__).with_name("allowlist.yaml"))
