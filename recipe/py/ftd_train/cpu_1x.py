"""ChatGLM2, and several ranks, of mindformers 1.x on a CPU."""

from mindformers.models.glm2 import glm2_modules, glm2_transformer
from mindspore import Tensor, dtype, ops
from mindspore.communication import GlobalComm, comm_func

from ftd_train.cpu import Product


class RotaryEmbedding(glm2_modules.ChatGLM2RotaryEmbedding):
    """The rotary embedding."""

    def __init__(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        super().__init__(*args, **kwargs)
        self.bmm_swap = Product()
        self.k_bmm_swap = Product()


class RMSNorm(glm2_modules.ChatGLM2RMSNorm):
    """The norm, computed step by step: a CPU has no RmsNorm."""

    def construct(self, x):  # type: ignore[no-untyped-def]
        """Return x over the root of its mean square, times the weight."""
        wide = ops.cast(x, self.compute_type)
        mean = ops.ReduceMean(keep_dims=True)(ops.square(wide), -1)
        normed = wide * ops.rsqrt(mean + self.eps) * self.weight
        return ops.cast(normed, x.dtype)


def barrier(group: str = "") -> None:
    """Wait for all ranks by adding something up: a CPU has no Barrier.

    mindformers waits so before it resumes a training of several ranks.
    """
    add = ops.AllReduce(group=group or GlobalComm.WORLD_COMM_GROUP)
    add(Tensor([1], dtype.float32)).asnumpy()


def replace() -> None:
    """Let models that are built from now on use them."""
    glm2_transformer.ChatGLM2RotaryEmbedding = RotaryEmbedding
    glm2_transformer.ChatGLM2RMSNorm = RMSNorm
    comm_func.barrier = barrier
