"""One file per revision, in order: each says what it makes, not what the code has by now."""
