"""What runs have left unsent, sent."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.tracking.delivery import Delivery
from catdog_exp.tracking.heartbeat import is_alive
from catdog_exp.tracking.journal import Header, Journal, journals, store_uri
from catdog_exp.tracking.mlflow_log import MlflowLog
from catdog_exp.tracking.store import store_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sent:
    """What came of a journal. sent: how many calls the store took now. left: why some are left, "" where none is."""

    run_id: str
    name: str
    sent: int
    left: str = ""


def send_unsent(
    config: TrackingConfig, outputs: Path, fingerprints: Collection[str] = (), *, again: bool = False
) -> Iterator[Sent]:
    """Send what is left in the journals of a folder of outputs, one after the other.

    config: has the password of a store whose journals have none. fingerprints: of runs whose senders are waited for;
    others that are being sent are left to those. again: try what stores have refused, too.
    """
    from filelock import Timeout

    for journal in journals(outputs):
        try:
            header = journal.header()
        except FileNotFoundError:  # another process has sent it by now
            continue
        except ValueError as error:
            log.warning("%s", error)
            continue
        try:
            # The sender of a process that was killed will soon have done what it can.
            is_left = header.fingerprint in fingerprints and not is_alive("RUNNING", header.presence)
            held = journal.lock().acquire(blocking=is_left)
        except Timeout:
            if again:
                yield Sent(header.run_id, header.name, 0, "its own process is at it")
            continue
        with held:
            if journal.path.exists() and (again or journal.has_more()):
                yield _sent(journal, header, config.uri, again)


def _sent(journal: Journal, header: Header, configured: str, again: bool) -> Sent:
    uri = store_uri(header, configured)
    if uri is None:
        return Sent(header.run_id, header.name, 0, f"give tracking.uri={header.store} with its password")
    try:
        store, run = store_of(uri, header.run_id)
    except UserError as error:
        if getattr(error.__cause__, "error_code", "") != "RESOURCE_DOES_NOT_EXIST":
            return Sent(header.run_id, header.name, 0, str(error))
        journal.remove()
        return Sent(header.run_id, header.name, 0, "the run is not there any more: dropped")
    delivery = Delivery(journal, MlflowLog(store, run), store, again)
    waiting = delivery.drain(0)
    delivery.close(is_over=not is_alive("RUNNING", header.presence))
    left = waiting or "; ".join(delivery.refused)
    if delivery.sent and not again:
        log.info("run %s: what an earlier attempt had left unsent is at %s", header.run_id[:8], store.shown)
    return Sent(header.run_id, header.name, delivery.sent, left)
