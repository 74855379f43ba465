"""BI tools beside Vane: how they are installed, set up and served."""
