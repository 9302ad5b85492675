"""Where a flow goes: the destination of an egress flow, as people name it."""
