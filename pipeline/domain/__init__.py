"""What the numbers mean: plain Python, no I/O, no clock."""
