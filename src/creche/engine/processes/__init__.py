"""Processes that train one network together: what they send each other, and how they find each other."""
