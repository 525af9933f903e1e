"""The fault matrix: a fleet that runs, what is done to it, and who watches what becomes of it."""
