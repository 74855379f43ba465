"""Looks at records that were not taken, and sends back those that can be."""
