"""The version: one line, read by the packaging, the cache key and the header of generated files.

Takes nothing, requires nothing (layer 0).
"""

VERSION = "0.1.0"
