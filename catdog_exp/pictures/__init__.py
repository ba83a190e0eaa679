"""Labelled pictures: found on disk, drawn or downloaded, listed, split and packed into record files."""
