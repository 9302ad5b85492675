"""What is announced: findings of the detectors, as one document, to the log, a file and a webhook."""
