"""Draw the README's pictures: a preview sheet of the default run's pictures, and what its network sees in some.

Into docs/preview.png and docs/heat-maps.png.
"""

import logging
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from catdog_exp.app.compose import run_config
from catdog_exp.data.decoded import decode_records
from catdog_exp.packs.lst_files import read_list
from catdog_exp.packs.store import open_pack
from catdog_exp.plots.sheet import preview_sheet

DOCS = Path(__file__).resolve().parents[1] / "docs"
EXPLAINED = 8  # pictures


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as folder:
        config = run_config([f"paths.outputs={folder}"])
        pack = open_pack(config.data.source.listing(config.data.classes), config.data, Path(folder) / "packs")
        pictures = decode_records(pack.records("train"), config.data.resize, config.data.threads)
        preview_sheet(pictures, pack.classes, DOCS / "preview.png", per_class=8)
        root = config.data.source.listing(config.data.classes).root
        judged = [entry.path for rec in pack.records("validation") for entry in read_list(rec.with_suffix(".lst"))]
        shown = [str(root / path) for path in judged[:: len(judged) // EXPLAINED][:EXPLAINED]]
        catdog = Path(sys.executable).with_name("catdog")
        subprocess.run([catdog, f"paths.outputs={folder}"], check=True)
        drawn = Path(folder) / "heat-maps.png"
        subprocess.run([catdog, "predict", *shown, f"paths.outputs={folder}", "--explain", drawn], check=True)
        Image.open(drawn).quantize().save(DOCS / "heat-maps.png")  # a third of the bytes


if __name__ == "__main__":
    main()
