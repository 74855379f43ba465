"""The month-end side: land, close, publish, reconcile."""
