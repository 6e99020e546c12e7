"""What makes a sharp photograph worse."""
