"""The month end, measured: its curve, what BI asks, reads during publishing, other engines."""
