"""Draw the README's picture: the preview sheet of the default run's pictures, into docs/preview.png."""

import logging
import tempfile
from pathlib import Path

from catdog_exp.app.compose import run_config
from catdog_exp.data.decoded import decode_records
from catdog_exp.packs.store import open_pack
from catdog_exp.plots.sheet import preview_sheet

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "preview.png"


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as folder:
        config = run_config([f"paths.outputs={folder}"])
        pack = open_pack(config.data.source.listing(config.data.classes), config.data, Path(folder) / "packs")
        pictures = decode_records(pack.records("train"), config.data.resize, config.data.threads)
        preview_sheet(pictures, pack.classes, PICTURE, per_class=8)


if __name__ == "__main__":
    main()
