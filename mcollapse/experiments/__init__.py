"""Experiments: settings with a question, a run and an answer."""
