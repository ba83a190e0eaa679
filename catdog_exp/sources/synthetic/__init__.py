"""Cats and dogs drawn by the program."""
