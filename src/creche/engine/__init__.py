"""Where plans are carried out: the native engine."""
