"""A training step whose overflow check works on every device.

mindformers' own step asks the device for its floating point status, by
operators that a CPU does not have. This one looks at the gradients: an
overflow is a gradient that is not finite.
"""

from mindformers.tools.register import MindFormerModuleType, MindFormerRegister
from mindformers.wrapper.wrapper import MFTrainOneStepCell
from mindspore import dtype, ops

# Compiled in graph mode: it must be a name of this module, not of a class.
_not_finite = ops.MultitypeFuncGraph("not_finite")


@_not_finite.register("Tensor")
def _tensor_not_finite(gradient):  # type: ignore[no-untyped-def]
    """Return 1 where a gradient holds NaN or an infinity, else 0."""
    finite = ops.ReduceAll()(ops.IsFinite()(gradient))
    return ops.Cast()(ops.LogicalNot()(finite), dtype.float32)


@MindFormerRegister.register(MindFormerModuleType.WRAPPER)
class FiniteTrainOneStepCell(MFTrainOneStepCell):
    """MFTrainOneStepCell with the overflow seen in the gradients."""

    def start_overflow_check(self, pre_cond, compute_input):  # type: ignore[no-untyped-def]
        """Return what orders the check, and the input as it is: there is no status to clear."""
        return pre_cond, compute_input

    def get_overflow_status(self, status, compute_output):  # type: ignore[no-untyped-def]
        """Return whether any gradient is not finite; ``status`` only keeps the order."""
        compute_output = ops.depend(compute_output, status)
        flags = self.hyper_map(ops.partial(_not_finite), compute_output)
        return ops.less_equal(self.base, ops.addn(flags))
