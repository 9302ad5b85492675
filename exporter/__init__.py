"""hubble-egress-exporter: where egress goes, what became of it, as Prometheus metrics."""

import os

# gRPC's C core writes lines of its own to standard error, such as one per GOAWAY; we log what matters ourselves. It
# reads this once, when it is first imported.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
