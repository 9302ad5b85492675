"""What is noticed in flows: each finding with its evidence."""
