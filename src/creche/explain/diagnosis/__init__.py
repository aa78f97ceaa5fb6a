"""Diagnosis: what a training run suffers from, and which changes helped when they were tried."""
