"""Tests of reading weights: what PyTorch really wrote, and what is no weights."""

import json
import os
import pickle
import shutil
import struct
import tempfile
import tracemalloc
import unittest
import zipfile
from typing import Any, Dict, List

import numpy
import torchwriter
from ftd_steps import ckptfile, merge, safetensorsfile, tensor, weights, weightset
from ftd_steps.errors import DataError

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
SIZES: Dict[str, Any] = {
    "vocab_size": 300,
    "hidden_size": 16,
    "intermediate_size": 24,
    "layers": 2,
    "heads": 2,
    "max_positions": 32,
}
POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4665d28e3bc2a27fdb1a3b3cd0e1e3a2e1d7e6f5c2a1f8d3b9c0a7e6d5c4b3a2\n"
    b"size 1740651802\n"
)


def values(path: str) -> Dict[str, Any]:
    """Return all numbers of all tensors, as numpy reads them."""
    return {
        entry.name: numpy.concatenate([*entry.raw()]).reshape(entry.shape)
        for entry in weightset.read(path)
    }


class Files(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = directory.name

    def path(self, name: str) -> str:
        return os.path.join(self.dir, name)

    def write(self, name: str, content: bytes) -> str:
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)

    def refused(self, path: str, *words: str) -> None:
        with self.assertRaises(DataError) as caught:
            weightset.read(path)
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_what_pytorch_wrote(self) -> None:
        # PyTorch 1.11 and 1.13 saved one state dict, on CPython 3.7 and 3.11.
        for version in ("1.11", "1.13"):
            read = values(os.path.join(DATA, f"torch-{version}.bin"))
            self.assertEqual(read["half"].tolist(), [[0, 1, 2], [3, 4, 5]])
            self.assertEqual(read["half"].dtype, numpy.float16)
            self.assertEqual(read["single"].tolist(), [1.5, -2.5])
            self.assertEqual(read["turned"].tolist(), [[0, 3], [1, 4], [2, 5]])
            self.assertEqual(read["head"].tolist(), [0, 1, 2, 3])
            self.assertEqual(read["rest"].tolist(), [[4, 5, 6], [7, 8, 9]])
            self.assertEqual((read["count"].shape, int(read["count"])), ((), 7))
            self.assertEqual(read["mask"].tolist(), [True, False])
            entries = weightset.read(os.path.join(DATA, f"torch-{version}.bin"))
            brain = next(entry for entry in entries if entry.name == "brain")
            single = brain.part(tensor.BY_NAME["float32"])
            self.assertEqual([piece.tolist() for piece in single.pieces], [[0, 1, 2, 3]])
        self.refused(os.path.join(DATA, "torch-before-1.6.bin"), "PyTorch before 1.6", "newer")

    def test_a_pickle_calls_nothing(self) -> None:
        class Evil:
            def __reduce__(self) -> Any:
                return os.mkdir, (path + ".called",)

        path = self.path("model.bin")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps({"x": Evil()}, 2))
        self.refused(path, "posix.mkdir", "a source that you trust")
        self.assertFalse(os.path.exists(path + ".called"))
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps({"step": 3}, 2))
        self.refused(path, "step is not a tensor")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("something", "else")
        self.refused(path, "none that PyTorch wrote")

    def test_a_tensor_stays_in_its_storage(self) -> None:
        path = self.path("model.bin")
        torchwriter.save(path, {"x": numpy.arange(4, dtype=numpy.float32)})
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        for key, wrong in ((b"K\x04", b"K\x05"), (b"K\x04\x85", b"K\x09\x85")):
            spoiled = members["archive/data.pkl"].replace(key, wrong)
            self.assertNotEqual(spoiled, members["archive/data.pkl"])
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("archive/data.pkl", spoiled)
                archive.writestr("archive/data/0", members["archive/data/0"])
            self.refused(path, "cannot be read")

    def test_every_cut_is_found(self) -> None:
        made = weights.make(self.dir, seed=1, family="glm", **SIZES)
        safe = made["file"]
        bin = self.path("whole.bin")
        torchwriter.save(bin, values(safe))
        for whole in (safe, bin):
            with open(whole, "rb") as file:
                content = file.read()
            suffix = os.path.splitext(whole)[1]
            for cut in (1, 7, 9, 100, len(content) // 2, len(content) - 1):
                self.refused(self.write("cut" + suffix, content[:cut]), "cut" + suffix)
        self.refused(self.write("cut.safetensors", content[:-1]), "cut.safetensors cannot be read")

    def test_what_is_no_weights(self) -> None:
        page = b"\n<!DOCTYPE html>\n<html><head><title>Login</title></head></html>"
        xml = b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>'
        for suffix in (".safetensors", ".bin", ".pth"):
            name = "model" + suffix
            self.refused(self.write(name, POINTER), "git LFS pointer", "1740651802", "lfs")
            self.refused(self.write(name, page), "web page")
            self.refused(self.write(name, xml), "AccessDenied", "expired")
            self.refused(self.write(name, b""), "is empty")
            self.refused(self.write(name, b"\0" * 4096), "cannot be read", "fetch")
            self.refused(self.write(name, os.urandom(100)), "cannot be read")
            os.remove(self.path(name))
            self.refused(self.path(name), "there is no file")
        self.refused(self.dir, "holds no weights")
        self.refused(self.write("model.txt", b"text"), "by its name")
        self.write("config.json", POINTER)
        with self.assertRaises(DataError) as caught:
            weightset.read_config(self.dir)
        self.assertIn("config.json is a git LFS pointer", caught.exception.cause)

    def test_headers_that_lie(self) -> None:
        def header(entry: Any) -> bytes:
            text = json.dumps({"x": entry}).encode()
            return struct.pack("<Q", len(text)) + text + b"\0" * 8

        good = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
        path = self.write("model.safetensors", header(good))
        self.assertEqual(len(weightset.read(path)), 1)
        wrongs: List[Any] = [
            dict(good, data_offsets=[0, 4]),
            dict(good, data_offsets=[-8, 0]),
            dict(good, shape=[3]),
            dict(good, dtype="F5"),
            {"dtype": "F32"},
            [1],
        ]
        for wrong in wrongs:
            self.refused(self.write("model.safetensors", header(wrong)), "cannot be read")
        self.write("model.safetensors", struct.pack("<Q", 1 << 62) + b"x")
        self.refused(path, "cannot be read")

    def sharded(self, suffix: str) -> Dict[str, Any]:
        """Write a ChatGLM in three shards with an index; return its numbers."""
        made = weights.make(self.dir, seed=1, family="glm", **SIZES)
        whole = values(made["file"])
        directory = self.path("shards")
        os.makedirs(directory)
        places = {}
        names = sorted(whole)
        stem = "model" if suffix == ".safetensors" else "pytorch_model"
        for number in range(3):
            shard = f"{stem}-{number + 1:05}-of-00003{suffix}"
            part = {name: whole[name] for name in names[number::3]}
            if suffix == ".bin":
                torchwriter.save(os.path.join(directory, shard), part)
            else:
                parts = [
                    tensor.Part(name, tensor.BY_NAME[x.dtype.name], x.shape, [x.reshape(-1)])
                    for name, x in part.items()
                ]
                safetensorsfile.write(os.path.join(directory, shard), parts)
            places.update(dict.fromkeys(part, shard))
        with open(os.path.join(directory, f"{stem}{suffix}.index.json"), "w") as file:
            json.dump({"metadata": {"total_size": 0}, "weight_map": places}, file)
        shutil.copy(os.path.join(made["dir"], "config.json"), directory)
        return whole

    def test_shards(self) -> None:
        for suffix in (".safetensors", ".bin"):
            whole = self.sharded(suffix)
            directory = self.path("shards")
            index = next(name for name in os.listdir(directory) if name.endswith("index.json"))
            for indexed in (True, False):
                if not indexed:
                    os.remove(os.path.join(directory, index))
                result = merge.merge(directory, self.dir)
                self.assertEqual((result["files_in"], result["tensors"]), (3, len(whole)))
                merged = values(result["dir"])
                self.assertEqual(set(merged), set(whole))
                for name, numbers in whole.items():
                    self.assertTrue((merged[name] == numbers).all(), name)
                self.assertTrue(os.path.exists(os.path.join(result["dir"], "config.json")))
            second = next(name for name in os.listdir(directory) if "-00002-of-" in name)
            os.remove(os.path.join(directory, second))
            self.refused(directory, second, "missing")
            shutil.rmtree(directory)

    def test_an_index_and_its_files(self) -> None:
        self.sharded(".safetensors")
        directory = self.path("shards")
        first = "model-00001-of-00003.safetensors"
        shutil.move(os.path.join(directory, first), self.path(first))
        self.refused(directory, "lacks 1 of the 3 files", first)
        self.write(os.path.join("shards", first), POINTER)
        self.refused(directory, first + " is a git LFS pointer")
        second = os.path.join(directory, "model-00002-of-00003.safetensors")
        shutil.copy(second, os.path.join(directory, first))
        self.refused(directory, "is in", first)
        self.write("shards/model.safetensors.index.json", b'{"weight_map": {"x": "%s"}}' % b"gone")
        self.refused(directory, "gone")
        self.write("shards/model.safetensors.index.json", b"{}")
        self.refused(directory, "no weight_map")

    def test_numbers_of_other_types(self) -> None:
        numpy.random.seed(1)
        single = numpy.float32(numpy.random.standard_normal(1000) * 1e-3)
        single[:4] = [65504, -65504, numpy.inf, numpy.nan]
        path = self.path("model.safetensors")

        def written(x: Any) -> tensor.Tensor:
            part = tensor.Part("x", tensor.BY_NAME["float32"], x.shape, [x])
            safetensorsfile.write(path, [part])
            return weightset.read(path)[0]

        half = next(iter(written(single).part(tensor.BY_NAME["float16"]).pieces))
        self.assertTrue(numpy.array_equal(half, single.astype(numpy.float16), equal_nan=True))
        with self.assertRaises(DataError) as caught:
            list(written(single * 2).part(tensor.BY_NAME["float16"]).pieces)
        self.assertIn("2 numbers of x", caught.exception.cause)
        # To bfloat16 and back: off by no more than half of its last bit.
        merge.merge(self.dir, self.dir, "bfloat16")
        back = merge.merge(self.path("merged"), self.path("merged"), "float32")
        again = values(back["file"])["x"]
        double = single * 2
        near = numpy.isfinite(double)
        self.assertTrue((abs(again - double)[near] <= abs(double[near]) / 256).all())
        self.assertEqual(again[2], numpy.inf)
        self.assertTrue(numpy.isnan(again[3]))
        ties = numpy.array([0x3F808000, 0x3F818000], numpy.uint32).view(numpy.float32)
        bits = next(iter(written(ties).part(tensor.BY_NAME["bfloat16"]).pieces))
        self.assertEqual([hex(bit) for bit in bits], ["0x3f80", "0x3f82"])

    def test_a_file_that_is_cut_while_it_is_read(self) -> None:
        path = weights.make(self.dir, seed=1, **SIZES)["file"]
        entries = weightset.read(path)
        os.truncate(path, os.path.getsize(path) // 2)
        with self.assertRaises(DataError) as caught:
            safetensorsfile.write(self.path("x"), [entry.part(entry.dtype) for entry in entries])
        self.assertIn("ended while it was read", caught.exception.cause)
        self.assertEqual(os.listdir(self.dir), ["hf"])

    def test_memory_does_not_grow_with_the_model(self) -> None:
        big = tensor.Part(
            "x",
            tensor.BY_NAME["float32"],
            (64, 1 << 20),
            (numpy.zeros(1 << 20, numpy.float32) for _ in range(64)),
        )
        path = self.path("big.safetensors")
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        safetensorsfile.write(path, [big])
        merge.merge(path, self.dir)
        half = weightset.read(self.path("merged"))[0]
        ckptfile.write(self.path("x.ckpt"), [half.part(tensor.BY_NAME["float32"])])
        _, peak = tracemalloc.get_traced_memory()
        self.assertLess(peak, 6 * tensor.PIECE)  # of eight
        record = ckptfile.records(self.path("x.ckpt"))[0]
        self.assertEqual((record.shape, record.nbytes), ((64, 1 << 20), 1 << 28))


if __name__ == "__main__":
    unittest.main()
