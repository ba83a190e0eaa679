"""Labelled pictures to MXNet record files, made once and found again."""
