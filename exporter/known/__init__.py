"""What is known of each workload: where it goes, since when, and whether that is enough to say what is new."""
