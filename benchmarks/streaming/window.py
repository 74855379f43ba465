"""The window of the KPI: five minutes, every half minute. Vane's panes are of the hop's length."""

from typing import Final

SIZE_MS: Final = 300_000
HOP_MS: Final = 30_000
