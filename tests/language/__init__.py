"""One small function per construct of the language, with the arguments to try it at."""
