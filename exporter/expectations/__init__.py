"""What each workload is allowed to reach: policies and allowlists, read from files, and their answers."""
