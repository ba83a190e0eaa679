"""`catdog answer`: which of several settings is the best, with as many seeds as it takes to be sure."""

from collections.abc import Sequence

from catdog_exp.commands.arguments import Parser, split_overrides

OWN = ("confidence=", "margin=", "minutes=")  # of hydra.sweeper


def main(words: Sequence[str]) -> int:
    """Run the sweep that answers the question in `words`."""
    overrides, others = split_overrides(words)
    _parser().parse_args(others)

    from catdog_exp.app.main import main as run

    run(["sweep=answer", *(f"hydra.sweeper.{word}" if word.startswith(OWN) else word for word in overrides)])
    return 0


def _parser() -> Parser:
    return Parser(
        "catdog answer",
        usage="catdog answer KEY=VALUE,VALUE… [KEY=VALUE…] [confidence=0.95] [margin=0.005] [minutes=30]",
        description="Which of a key's values gives the most accurate networks: trains each with one seed after the "
        "other, until it is sure, or sure that they differ by less than the margin, or the minutes are over. The same "
        "command goes on. Other KEY=VALUE change the config of all, such as train.epochs=30.",
    )
