"""What a user is told who asks for what cannot be done."""

from collections.abc import Callable

import pytest

from catdog_exp.errors import UserError


def refusal(action: Callable[..., object], *arguments: object, **named: object) -> str:
    """The one line of the UserError that the call raises."""
    with pytest.raises(UserError) as caught:
        action(*arguments, **named)
    line = str(caught.value)
    assert "\n" not in line
    return line
