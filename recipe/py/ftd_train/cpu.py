"""What mindformers' models lack on a CPU; they are made for Ascend.

Graph mode looks names up in the module of each function, so what replaces a
function must be importable: it lives in modules, not in an entry script.
"""

from mindspore import nn, ops


class Product(nn.Cell):
    """Multiplies a tensor of any dimensions by one matrix.

    A CPU's BatchMatMul does not broadcast. The rotary embeddings need that.
    """

    def construct(self, x, matrix):  # type: ignore[no-untyped-def]
        """Return x @ matrix."""
        return ops.MatMul()(x.reshape((-1, x.shape[-1])), matrix).reshape(x.shape)

    def shard(self, *_):  # type: ignore[no-untyped-def]
        """Do as a primitive does that is not split over devices."""
        return self
