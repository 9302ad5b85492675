"""Where flows come from: an Observer over gRPC or a recorded file, decoded into plain values."""

import os

# gRPC's C core writes lines of its own to standard error, such as one per GOAWAY; we log what matters ourselves.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
