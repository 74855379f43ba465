"""Folds the log again by another configuration, or after its retention: compare, then switch."""
