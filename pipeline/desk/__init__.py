"""What people decide: the life of an alert and of a complaint case, and the record of it."""
