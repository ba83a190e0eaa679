"""`python -m catdog_exp` is the same as `catdog`."""

import sys

from catdog_exp.cli import script

sys.exit(script())
