"""What three releases of mindformers print, as the logger's messages."""

import datetime
from typing import List, NamedTuple, Tuple

BAR = 50


class Format(NamedTuple):
    """One release."""

    prefix: str  # of each record, after the time
    opening: Tuple[str, ...]  # until the first step
    step_line: str
    progress: str  # the record after a step, "" where there is none
    saving: str
    saved: str
    over: str
    save_kind: str

    def step(
        self,
        epoch: int,
        epochs: int,
        step: int,
        steps: int,
        loss: float,
        mean: float,
        ms: float,
        overflow: bool,
        scale: float,
    ) -> List[str]:
        """Returns the records of one step."""
        lines = [
            self.step_line.format(
                epoch=epoch,
                epochs=epochs,
                step=step,
                steps=steps,
                loss=loss,
                mean=mean,
                ms=ms,
                overflow=overflow,
                scale=scale,
                lr=1e-4,
            )
        ]
        if self.progress:
            total = epochs * steps
            done = (epoch - 1) * steps + step
            full = BAR * done // total
            left = datetime.timedelta(seconds=int((total - done) * ms / 1000))
            bar = "\u2588" * full + " " * (BAR - full)
            lines.append(self.progress % (100.0 * done / total, bar, 1000.0 / ms, left))
        return lines


COMPILING = ".........Model Compiling, Please Wait a Moment..........."
TRAINING = ".........Starting Training Model.........."
OVER = ".........Training Over!............."
BEGIN = (
    ".........Build context config..........",
    ".........Build Dataset For Train..........",
    ".........Build Net For Train..........",
    "Network Parameters: 1 M.",
    ".........Starting Init Train Model..........",
)

FORMATS = {
    "0.6": Format(
        prefix=" - mindformers - INFO - ",
        opening=(*BEGIN, TRAINING, COMPILING),
        step_line=(
            "Epoch:[{epoch:3d}/{epochs:3d}], step:[{step:5d}/{steps:5d}], "
            "loss:[{loss:5.3f}/{mean:5.3f}], "
            "time:{ms:5.3f} ms, lr:{lr}, overflow cond: {overflow}, loss_scale: {scale}"
        ),
        progress="",
        saving="",
        saved="",
        over=OVER,
        save_kind="ckpt",
    ),
    "0.8": Format(
        prefix=" - mindformers[callback.py:315] - INFO - ",
        opening=(*BEGIN, TRAINING, COMPILING),
        step_line=(
            "{{ Epoch:[{epoch:3d}/{epochs:3d}], step:[{step:5d}/{steps:5d}], "
            "loss:[{loss:5.3f}/{mean:5.3f}], "
            "per_step_time: {ms:.0f}ms, lr: {lr}, overflow cond: {overflow}, loss_scale: {scale}"
        ),
        progress="  %4.1f%% |%s| %.2f samples/s/p  %s }",
        saving="......Saving ckpt......",
        saved="",
        over=OVER,
        save_kind="ckpt",
    ),
    "1.6": Format(
        prefix=" - mindformers./output/log[mindformers/core/callback/callback.py:494] - INFO - ",
        opening=(*BEGIN, COMPILING, TRAINING),
        step_line=(
            "{{ Epoch:[{epoch:3d}/{epochs:3d}], step:[{step:5d}/{steps:5d}], "
            "loss:[{loss:5.3f}/{mean:5.3f}], "
            "per_step_time: {ms:.0f}ms, lr: {lr}, overflow cond: {overflow}, loss_scale: {scale}, "
            "global_norm: [0.6068563], train_throughput_per_npu: 0.011T"
        ),
        progress="  %4.1f%% |%s| %.5f samples/s/p  %s }",
        saving="......Saving ckpt......",
        saved="Finish saving ckpt of epoch %d step %d using %.3f seconds",
        over=OVER,
        save_kind="safetensors",
    ),
}
