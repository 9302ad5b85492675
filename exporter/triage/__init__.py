"""What is broken, with its evidence and the lines that would mend it: for a terminal, the page and the API."""
