"""Proof that a training began from the weights it was given.

mindformers trains from random weights without a word when names or shapes do
not match, or only logs a line. This callback compares what is in the network
before the first step with what is in the checkpoint file, writes the result
as JSON, and ends the training if they differ.
"""

import glob
import json
import os
import re
from typing import Any, Dict, List

import numpy
from mindformers.tools.register import MindFormerModuleType, MindFormerRegister
from mindspore import load_checkpoint
from mindspore.train import Callback

# What fine-tuning by LoRA, prefixes and adapters adds to a network.
ADDED = r"(?i)lora|mindpet_delta|adapter|prefix|prompt"

# Training state that a checkpoint may hold beside the weights.
STATE = {"epoch_num", "step_num", "global_step", "loss_scale", "learning_rate"}


@MindFormerRegister.register(MindFormerModuleType.CALLBACK)
class WeightsMonitor(Callback):
    """Compares the network with ``checkpoint`` before the first step.

    ``new`` is a regular expression for the parameters that the checkpoint need
    not hold, because this training adds them. Any other that it does not hold
    would begin at random.

    A training that goes on (FTD_RESUMED_FROM) must begin from that checkpoint
    instead; what it holds beside the weights belongs to the optimizer. If it is
    a directory, each rank compares its own file in rank_N; the first one's
    report is written.
    """

    def __init__(self, checkpoint: str, report: str = "weights.json", new: str = ADDED) -> None:
        super().__init__()
        self.resumed = bool(os.environ.get("FTD_RESUMED_FROM"))
        self.checkpoint = os.environ.get("FTD_RESUMED_FROM") or checkpoint
        self.report = report
        self.new = new
        self.rank = int(os.environ.get("RANK_ID", "0"))

    def on_train_begin(self, run_context: Any) -> None:
        """Compare, report, and refuse to train from anything else."""
        network = run_context.original_args().train_network
        file = of_rank(self.checkpoint, self.rank)
        result = compare(file, parameters(network), self.new, not self.resumed)
        result["checkpoint"] = self.checkpoint
        if self.rank == 0:
            self.write(result)
        print(
            f"ftd: {result['loaded']} of {result['tensors']} tensors of {self.checkpoint} are "
            f"in the network, {len(result['new'])} of its parameters are new",
            flush=True,
        )
        wrong = result["missing"] + result["mismatched"] + result["random"]
        if wrong or not result["loaded"]:
            raise RuntimeError(
                f"the training would not begin from {self.checkpoint}: {len(wrong)} tensors do not "
                f"agree with the network, the first is {(wrong or ['none'])[0]}"
            )

    def write(self, result: Dict[str, Any]) -> None:
        """Write the report; it is there as a whole or not at all."""
        temporary = self.report + ".part"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
        os.replace(temporary, self.report)


def of_rank(checkpoint: str, rank: int) -> str:
    """Return a rank's file of a checkpoint: itself, or the newest in rank_N below it."""
    files = glob.glob(os.path.join(glob.escape(checkpoint), f"rank_{rank}", "*"))
    return max(files, key=os.path.getmtime) if os.path.isdir(checkpoint) and files else checkpoint


def parameters(network: Any) -> Dict[str, Any]:
    """Return the model's parameters by name, without those of the optimizer."""
    found: Dict[str, Any] = {}
    for name, parameter in network.parameters_and_names():
        found.setdefault(parameter.name or name, parameter)
    optimizer = getattr(network, "optimizer", None)
    if optimizer is not None:
        weights = {parameter.name for _, parameter in network.network.parameters_and_names()}
        found = {name: value for name, value in found.items() if name in weights}
    return found


def compare(
    checkpoint: str, network: Dict[str, Any], new: str, whole: bool = True
) -> Dict[str, Any]:
    """Compare the values in the file ``checkpoint`` with those in ``network``.

    With ``whole`` all that the file holds must be in the network.
    """
    safetensors = {"format": "safetensors"} if checkpoint.endswith(".safetensors") else {}
    stored = {
        name: value
        for name, value in load_checkpoint(checkpoint, **safetensors).items()
        if name not in STATE and (whole or name in network)
    }
    missing: List[str] = []
    mismatched: List[str] = []
    for name, value in stored.items():
        if name not in network:
            missing.append(name)
        elif not same(network[name].asnumpy(), value.asnumpy()):
            mismatched.append(name)
    others = sorted(set(network) - set(stored))
    return {
        "checkpoint": checkpoint,
        "tensors": len(stored),
        "loaded": len(stored) - len(missing) - len(mismatched),
        "missing": missing,
        "mismatched": mismatched,
        "random": [name for name in others if not re.search(new, name)],
        "new": [name for name in others if re.search(new, name)],
    }


def same(ours: numpy.ndarray, theirs: numpy.ndarray) -> bool:
    """Return whether two arrays are equal once they have the network's type."""
    return ours.shape == theirs.shape and bool(numpy.array_equal(ours, theirs.astype(ours.dtype)))
