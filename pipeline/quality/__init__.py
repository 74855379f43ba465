"""What must hold before a dataset is accepted."""
