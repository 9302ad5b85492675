"""What is shipped to deploy: read as files, and checked by the programs that read them."""
