"""The command line, and what it sets up."""
