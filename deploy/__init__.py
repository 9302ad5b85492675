"""What is made of the chart: its README, its copies, the plain manifests."""
