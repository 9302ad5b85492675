"""How much the randomised tests try: a few examples each time, many when EXPORTER_EXAMPLES says so."""

import os

from hypothesis import settings

settings.register_profile(
    "exporter", max_examples=int(os.environ.get("EXPORTER_EXAMPLES") or 60), deadline=None, print_blob=True
)
settings.load_profile("exporter")
