"""The desk by HTTP: an app factory, and one router per noun."""
