"""The embedded account authority: its database, what is sealed in it, import and export; packages judge, it only knows."""
