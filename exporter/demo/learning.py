"""How fast the demo learns: its history is two hours long, and its pods do not restart in them."""

from exporter.known.settings import LearningSettings

DEMO_LEARNING = LearningSettings(min_age=30 * 60.0, quiet=20 * 60.0, starts=0)
