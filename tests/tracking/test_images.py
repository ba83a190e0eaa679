import numpy as np
from PIL import Image

from catdog_exp.tracking.store import open_store
from tests.tracking.reading import logged
from tests.tracking.starting import start_run


def test_a_picture_stands_in_the_image_grid_once_and_made_smaller(ready, tmp_path):
    config, sheet = ready(), tmp_path / "sheet.png"
    Image.fromarray(np.zeros((400, 1200, 3), np.uint8)).save(sheet)
    with start_run(config, "run", {}) as log:
        for _ in range(2):  # as a command does that is repeated
            log.image(sheet, "pictures/sheet", step=0)
    assert logged(config, log.run_id).data.tags["mlflow.loggedImages"] == "True"
    files = [file.path for file in open_store(config).client.list_artifacts(log.run_id, "images")]
    assert sorted(name.rsplit("+", 1)[-1] == "compressed.webp" for name in files) == [False, True]
    whole = next(name for name in files if name.endswith(".png"))
    assert whole.startswith("images/pictures~sheet+step+0+")
    with Image.open(tmp_path / "store" / "artifacts" / log.run_id / "artifacts" / whole) as picture:
        assert picture.size == (640, 213)
