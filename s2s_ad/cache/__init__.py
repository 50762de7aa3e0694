"""Derivatives kept on disk: what they are filed under (key) and how (store)."""
