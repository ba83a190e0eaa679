"""The code of a logged model: pictures in, labels and probabilities out, by ONNX Runtime.

A copy of this file lies in each model, and MLflow runs it from there: it must need nothing but MLflow, NumPy, OpenCV
and ONNX Runtime. It decodes and shrinks pictures as packing does, to the same pixels.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

MAX_PIXELS = 89_478_485  # of one picture, as its file declares them
MAX_BYTES = 32 * 2**20  # of one file
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))  # read when OpenCV is imported
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when ONNX Runtime is: nobody is told of its use

import cv2  # noqa: E402
import mlflow  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402 - MLflow's own; by this annotation of `predict` it knows what to hand over
from mlflow.pyfunc.model import PythonModel, PythonModelContext  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

Pixels = NDArray[Any]

AT_ONCE = 64  # pictures
SERVING = "_MLFLOW_IS_IN_SERVING_ENVIRONMENT"  # MLflow's server sets it: whoever asks there names no files
REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}


class Model(PythonModel):
    """Classifies pictures."""

    def load_context(self, context: PythonModelContext) -> None:
        """Open the network, and what it says of itself: its classes, and the edge of its square input."""
        import onnxruntime

        settings = json.loads(Path(context.artifacts["settings"]).read_text(encoding="utf-8"))
        self._classes: list[str] = settings["classes"]
        self._size: int = settings["size"]
        self._quality: int | None = settings["quality"]
        self._session = onnxruntime.InferenceSession(context.artifacts["network"], providers=["CPUExecutionProvider"])

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ARG002
        """A DataFrame with a row for each picture: `label`, its `probability`, and `p_<class>` for each class.

        model_input: pictures, in its first column. Each is a path, the bytes of a file, those in Base64,
        or pixels: uint8, RGB of shape (height, width, 3), or gray (height, width).

        Raises ValueError, one line with the picture's number, where one cannot be read.
        """
        rows = np.concatenate(
            list(self._probabilities(list(model_input.iloc[:, 0]))) or [np.empty((0, len(self._classes)))]
        )
        best = rows.argmax(axis=1)
        table = {"label": [self._classes[index] for index in best], "probability": rows.max(axis=1, initial=0)}
        return pd.DataFrame({**table, **{f"p_{name}": rows[:, n] for n, name in enumerate(self._classes)}})

    def _probabilities(self, pictures: list[Any]) -> Iterable[NDArray[np.float64]]:
        for start in range(0, len(pictures), AT_ONCE):
            crops = []
            for number, picture in enumerate(pictures[start : start + AT_ONCE], start + 1):
                try:
                    crops.append(crop_of(picture, self._size, self._quality))
                except (ValueError, OSError, cv2.error) as error:
                    raise ValueError(f"picture {number}: {error}") from None
            pixels = np.stack(crops).transpose(0, 3, 1, 2).astype(np.float32)
            yield self._session.run(["probabilities"], {"pixels": pixels})[0].astype(np.float64)


def crop_of(picture: Any, size: int, quality: int | None) -> Pixels:
    """The middle `size` × `size` pixels of a picture brought to that short edge: uint8, RGB, (size, size, 3).

    quality: of the JPEG that packing makes of it; None: no JPEG.
    """
    if isinstance(picture, np.ndarray):
        if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or picture.shape[2:] not in ((), (3,)):
            raise ValueError(f"pixels must be uint8, (height, width, 3) or (height, width), not {picture.shape}")
        if 0 in picture.shape:
            raise ValueError("it has no pixels")
        pixels = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR if picture.ndim == 3 else cv2.COLOR_GRAY2BGR)
        height, width = picture.shape[:2]
    else:
        pixels, width, height = decoded(content_of(picture), size)
    pixels = shrunk(pixels, size, width, height)
    if quality is not None:
        _, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        pixels = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
    top, left = (pixels.shape[0] - size) // 2, (pixels.shape[1] - size) // 2
    return cv2.cvtColor(pixels[top : top + size, left : left + size], cv2.COLOR_BGR2RGB)


def content_of(picture: Any) -> bytes:
    """The bytes of a picture's file."""
    if isinstance(picture, (bytes, bytearray, memoryview)):
        data = bytes(picture)
    elif isinstance(picture, Path) or (isinstance(picture, str) and SERVING not in os.environ and is_file(picture)):
        if Path(picture).stat().st_size > MAX_BYTES:
            raise ValueError(f"larger than {MAX_BYTES:,} bytes")
        data = Path(picture).read_bytes()
    elif isinstance(picture, str):
        if len(picture) > MAX_BYTES * 4 // 3 + 100:
            raise ValueError(f"larger than {MAX_BYTES:,} bytes")
        try:
            data = base64.b64decode(
                picture.partition(",")[2] if picture.startswith("data:") else picture, validate=True
            )
        except (binascii.Error, ValueError):
            raise ValueError("neither a file's path nor Base64") from None
    else:
        raise ValueError(f"a picture is a path, bytes, Base64 or an array, not {type(picture).__name__}")
    if len(data) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES:,} bytes")
    if not data:
        raise ValueError("empty")
    return data


def is_file(text: str) -> bool:
    """Whether there is such a file; Base64 may be longer than any path."""
    try:
        return os.path.isfile(text)  # noqa: PTH113 - Path raises for a name that is too long
    except ValueError:
        return False


def decoded(data: bytes, size: int) -> tuple[Pixels, int, int]:
    """The picture in a file's bytes, BGR and upright, with its full width and height.

    A JPEG comes at a half, a quarter or an eighth of its size where that leaves at least twice the short edge wanted.
    What is transparent is shown on white.
    """
    buffer = np.frombuffer(data, np.uint8)
    if data[:3] == b"\xff\xd8\xff":
        width, height = jpeg_size(data)
        factor = next((each for each in REDUCED if min(width, height) >= 2 * size * each), 1)
        pixels = cv2.imdecode(buffer, REDUCED.get(factor, cv2.IMREAD_COLOR))
        if pixels is None:
            raise ValueError("a damaged JPEG")
        if pixels.shape[:2] != (-(-height // factor), -(-width // factor)):  # turned, as its EXIF says
            width, height = height, width
        return pixels, width, height
    pixels = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError("not a picture that is read here: JPEG, PNG, WebP, BMP or TIFF")
    if pixels.ndim == 3 and pixels.shape[2] == 4 and data[:2] != b"BM":
        pixels = on_white(pixels)
    elif data[:4] in (b"II*\0", b"MM\0*"):  # OpenCV turns a TIFF
        pixels = cv2.imdecode(buffer, cv2.IMREAD_COLOR)
    else:
        pixels = cv2.imdecode(buffer, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    pixels = turned(pixels, orientation_in(data))
    return pixels, pixels.shape[1], pixels.shape[0]


def orientation_in(data: bytes) -> int:
    """The EXIF orientation in a PNG or a WebP, 1..8; 1 where there is none. OpenCV does not know all of them."""
    kind = b"eXIf" if data[:4] == b"\x89PNG" else b"EXIF" if data[8:12] == b"WEBP" else b""
    place = data.rfind(kind) + 4
    if not kind or place < 4:
        return 1
    exif = data[place:] if kind == b"eXIf" else data[place + 4 :].removeprefix(b"Exif\0\0")  # behind its length
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for number in range(count):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", exif, start + 2 + 12 * number)
            if tag == 274:
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        pass  # a damaged one
    return 1


def turned(pixels: Pixels, orientation: int) -> Pixels:
    """The picture as it was seen when it was taken."""
    if orientation in (2, 4, 5, 7):
        pixels = cv2.flip(pixels, 1)
    turns = {3: cv2.ROTATE_180, 4: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 7: cv2.ROTATE_90_CLOCKWISE}
    turns |= {5: cv2.ROTATE_90_COUNTERCLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}
    return cv2.rotate(pixels, turns[orientation]) if orientation in turns else pixels


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height of a JPEG, as stored. Raises ValueError where it is damaged, cut short or too large."""
    position = 2
    try:
        while True:
            marker, length = struct.unpack_from(">xBH", data, position)
            if data[position] != 0xFF:
                raise ValueError("a damaged JPEG")
            if marker == 0xFF:  # a filling byte
                position += 1
            elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
                height, width = struct.unpack_from(">HH", data, position + 5)
                break
            else:
                position += 2 + length
    except (struct.error, IndexError):
        raise ValueError("a JPEG that is cut short") from None
    # Nothing in a scan looks like the beginning of another one, or like the end of the picture.
    if b"\xff\xd9" not in data[data.rfind(b"\xff\xda") :]:
        raise ValueError("a JPEG that is cut short")
    if not 0 < width * height <= MAX_PIXELS:
        raise ValueError(f"it declares {width:,} × {height:,} pixels, and {MAX_PIXELS:,} are allowed")
    return width, height


def on_white(pixels: Pixels) -> Pixels:
    """BGRA to BGR, rounded as Pillow does; of 16 bits the upper 8."""
    if pixels.dtype != np.uint8:
        if pixels.dtype != np.uint16:
            raise ValueError("32 bits a channel, which are not read here")
        pixels = pixels // 256
    color, alpha = pixels[..., :3].astype(np.uint16), pixels[..., 3:].astype(np.uint16)
    mixed = color * alpha + 255 * (255 - alpha) + 128
    return (((mixed >> 8) + mixed) >> 8).astype(np.uint8)


def shrunk(pixels: Pixels, size: int, width: int, height: int) -> Pixels:
    """A picture brought to a short edge of `size`. width, height: of which it may be a fraction."""
    small_width, small_height = (round(edge * size / min(width, height)) for edge in (width, height))
    if max(small_width, small_height) > 65_500:
        raise ValueError(f"too elongated: {width:,} × {height:,} pixels")
    return resized(pixels, small_width, small_height)


def resized(pixels: Pixels, width: int, height: int) -> Pixels:
    """Shrunk by means of areas, very nearly, or enlarged by Lanczos's filter."""
    given_height, given_width = pixels.shape[:2]
    if (given_width, given_height) == (width, height):
        return pixels
    factor = min(given_width / width, given_height / height)
    if factor < 1:
        return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LANCZOS4)
    halvings = max(1, int(factor).bit_length() - 1)
    pixels = cv2.resize(pixels, (width << halvings, height << halvings), interpolation=cv2.INTER_LINEAR)
    for left in reversed(range(halvings)):
        pixels = cv2.resize(pixels, (width << left, height << left), interpolation=cv2.INTER_AREA)
    return pixels


mlflow.models.set_model(Model())
