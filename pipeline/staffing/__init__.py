"""How many agents a queue needs, whether a day can still be won, and at what cost: plain Python."""
