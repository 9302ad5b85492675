"""Where flows come from: an Observer over gRPC or a recorded file, decoded into plain values."""
