"""An invented pair of contact centres, simulated call by call from a seed."""
