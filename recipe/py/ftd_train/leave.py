"""The end of a training on request: after a step, with a checkpoint.

A signal ends a training wherever it is, and what was learnt since the last
checkpoint is lost. ftd's ladder may begin with a request instead, in the file
FTD_EXIT_REQUEST: {"GracefulExit": 1}. That is the form of MindSpore's own
OnRequestExit, which however needs a step cell that mindformers does not use.
"""

import json
import os
from typing import Any, Optional

from mindspore.train import Callback, Model

REQUEST = "FTD_EXIT_REQUEST"

# Ranks compute together, but the host of one may be a few steps ahead. So the
# first rank names a step that none has come to when it sees the request.
AHEAD = 5


class ExitMonitor(Callback):
    """Ends the training after a step once FTD_EXIT_REQUEST asks for it.

    mindformers' CheckpointMonitor saves a checkpoint when a training ends.
    """

    def __init__(self, request: str, rank: int = 0, ranks: int = 1) -> None:
        super().__init__()
        self.request = request
        self.rank = rank
        self.ranks = ranks
        self.last: Optional[int] = None  # the step to end after

    def on_train_step_end(self, run_context: Any) -> None:
        """Look for the request, and stop after the step that all agree on."""
        step = int(run_context.original_args().cur_step_num)
        if self.last is None:
            self.last = self.agreed(step)
        if self.last is not None and step >= self.last and not run_context.get_stop_requested():
            print(f"ftd: ending after step {step}, as was asked for", flush=True)
            run_context.request_stop()

    def agreed(self, step: int) -> Optional[int]:
        """Return the step to end after, None while there is no request."""
        if self.ranks == 1:
            return step if requested(self.request) else None
        decision = self.request + ".step"
        if self.rank == 0 and requested(self.request):
            with open(decision + ".part", "w", encoding="ascii") as file:
                file.write(str(step + AHEAD))
            os.replace(decision + ".part", decision)
        try:
            with open(decision, encoding="ascii") as file:
                return int(file.read())
        except FileNotFoundError:
            return None


def requested(path: str) -> bool:
    """Return whether the file asks for the end."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file).get("GracefulExit") == 1
    except (OSError, ValueError, AttributeError):
        return False


def attach() -> None:
    """Give each training of this process the callback, whoever starts it."""
    request = os.environ.get(REQUEST)
    if not request:
        return
    train = Model.train
    monitor = ExitMonitor(
        request, int(os.environ.get("RANK_ID", "0")), int(os.environ.get("RANK_SIZE", "1"))
    )

    def with_monitor(
        self: Any, epoch: int, train_dataset: Any, callbacks: Any = None, *rest: Any, **more: Any
    ) -> Any:
        given = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
        all_of_them = [monitor] + [callback for callback in given if callback is not None]
        return train(self, epoch, train_dataset, all_of_them, *rest, **more)

    Model.train = with_monitor
