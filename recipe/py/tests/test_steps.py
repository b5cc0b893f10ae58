"""Tests of the steps on the real libraries: SentencePiece, MindSpore, mindformers."""

import hashlib
import importlib.util
import json
import os
import tempfile
import unittest
from typing import Any, Dict, List

from ftd_steps import conversations, convert, files, mindrecord, pieces, tokenizer, weights
from ftd_steps.errors import DataError, StepError

LIBRARIES = ("sentencepiece", "safetensors", "mindspore", "mindformers")
SIZES: Dict[str, Any] = {
    "vocab_size": 300,
    "hidden_size": 16,
    "intermediate_size": 24,
    "layers": 2,
    "heads": 2,
    "max_positions": 32,
}


def digest(path: str) -> str:
    """Return a hash of a file's content."""
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


@unittest.skipUnless(
    all(importlib.util.find_spec(name) for name in LIBRARIES), "needs " + ", ".join(LIBRARIES)
)
class Steps(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = directory.name
        # mindformers writes ./output where it is imported.
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.dir)

    def conversations(self, *rows: str) -> str:
        data = os.path.join(self.dir, "data.json")
        content = [{"instruction": row, "input": row, "output": "Answer to " + row} for row in rows]
        files.write_json(data, content)
        path: str = conversations.make(data, self.dir)["file"]
        return path

    def tokenizer(self, path: str) -> str:
        model: str = tokenizer.train(self.dir, 330, path)["file"]
        return model

    def rows(self, path: str) -> List[Dict[str, Any]]:
        from mindspore.mindrecord import FileReader

        reader = FileReader(path)
        rows = list(reader.get_next())
        reader.close()
        return rows

    def test_tokenizer(self) -> None:
        import sentencepiece

        path = self.conversations("Name 3 words.", "你好,世界")
        model = self.tokenizer(path)
        processor = sentencepiece.SentencePieceProcessor(model_file=model)
        self.assertEqual(processor.get_piece_size(), 330)
        ids = [processor.unk_id(), processor.bos_id(), processor.eos_id(), processor.pad_id()]
        self.assertEqual(ids, [0, 1, 2, -1])
        for text in ("word", "  two\n\nlines ", "é 漢 🙂"):
            encoded = processor.encode(text)
            self.assertNotIn(0, encoded)
            self.assertEqual(processor.decode(encoded), text)
        first = digest(model)
        self.tokenizer(path)
        self.assertEqual(digest(model), first, "the same texts give the same tokenizer")
        with self.assertRaises(DataError) as caught:
            tokenizer.train(self.dir, 100000, path)
        self.assertIn("100000 pieces", caught.exception.cause)
        self.assertEqual(digest(model), first, "a failure leaves the file that was there")

    def test_mindrecord(self) -> None:
        import sentencepiece

        path = self.conversations("one", "two and some more words for a longer row")
        model = self.tokenizer(path)
        processor = sentencepiece.SentencePieceProcessor(model_file=model)
        result = mindrecord.write(path, model, self.dir, 400)
        rows = self.rows(result["file"])
        self.assertEqual([len(row["input_ids"]) for row in rows], [401, 401])
        self.assertEqual((result["rows"], result["cut"], result["skipped"]), (2, 0, 0))
        ids, labels = rows[0]["input_ids"].tolist(), rows[0]["labels"].tolist()
        self.assertEqual(ids[0], 1)
        end = ids.index(2)
        # Only the answer and its end are learnt.
        learnt = [label for label in labels if label != mindrecord.IGNORED]
        self.assertEqual(processor.decode(learnt[:-1]), "Answer to one")
        self.assertEqual(learnt[-1], 2)
        self.assertEqual(labels[end], 2)
        self.assertEqual(ids[end + 1 :], [0] * (400 - end))
        self.assertEqual(set(labels[end + 1 :]), {mindrecord.IGNORED})
        # A second write replaces the first.
        self.assertEqual(mindrecord.write(path, model, self.dir, 400)["rows"], 2)
        # So does one after a writer that was killed when it had opened its files.
        for leftover in (result["file"], result["file"] + ".db"):
            open(leftover, "w").close()
        self.assertEqual(mindrecord.write(path, model, self.dir, 400)["rows"], 2)

    def test_mindrecord_too_long(self) -> None:
        path = self.conversations("one", "two and some more words for a longer row")
        model = self.tokenizer(path)
        lengths = [len(row.input_ids) for row in self.encoded(model, path)]
        self.assertLess(lengths[0], lengths[1])
        between = lengths[1] - 2
        with self.assertRaises(DataError) as caught:
            mindrecord.write(path, model, self.dir, between, "error")
        self.assertIn(f"conversation 2 has {lengths[1]} tokens", caught.exception.cause)
        result = mindrecord.write(path, model, self.dir, between, "skip")
        self.assertEqual((result["rows"], result["skipped"]), (1, 1))
        result = mindrecord.write(path, model, self.dir, between, "cut")
        self.assertEqual((result["rows"], result["cut"]), (2, 1))
        with self.assertRaises(DataError) as caught:
            mindrecord.write(path, model, self.dir, 8)
        self.assertIn(f"the longest row has {lengths[1]} tokens", caught.exception.cause)

    def encoded(self, model: str, path: str) -> List[mindrecord.Row]:
        return mindrecord.encode(pieces.Encoder(model), files.read_json(path), 10000)

    def test_several_rounds(self) -> None:
        model = self.tokenizer(self.conversations("Say hello to me.", "Count to four."))
        turns = ["human", "gpt", "human", "gpt"]
        dialogue = {
            "id": "1",
            "conversations": [{"from": who, "value": who + " speaks"} for who in turns],
        }
        path = os.path.join(self.dir, "rounds.json")
        files.write_json(path, [dialogue])
        row = self.encoded(model, path)[0]
        self.assertEqual(row.input_ids.count(2), 2)
        self.assertEqual(row.labels.count(2), 2)
        self.assertEqual(len(row.input_ids), len(row.labels))

    def test_conversion(self) -> None:
        import mindspore
        from safetensors.numpy import load_file

        made = weights.make(self.dir, seed=1, **SIZES)
        first = digest(made["file"])
        again = weights.make(self.dir, seed=1, **SIZES)
        self.assertEqual(digest(again["file"]), first, "the same seed gives the same bytes")
        result = convert.convert(made["dir"], self.dir)
        self.assertEqual((result["tensors_in"], result["tensors_out"]), (21, 21))
        before = load_file(made["file"])
        after = mindspore.load_checkpoint(result["file"])
        self.assertEqual(len(after), 21)
        pairs = {
            "model.embed_tokens.weight": "model.tok_embeddings.embedding_weight",
            "model.layers.1.self_attn.k_proj.weight": "model.layers.1.attention.wk.weight",
            "model.layers.0.mlp.up_proj.weight": "model.layers.0.feed_forward.w3.weight",
            "model.norm.weight": "model.norm_out.weight",
            "lm_head.weight": "lm_head.weight",
        }
        for old, new in pairs.items():
            self.assertTrue((before[old] == after[new].asnumpy()).all(), old)
        half = convert.convert(made["dir"], self.dir, dtype="float16")
        self.assertEqual(half["bytes"] * 2, result["bytes"])

    def test_every_tensor_is_accounted_for(self) -> None:
        from safetensors.numpy import load_file, save_file

        made = weights.make(self.dir, seed=1, **SIZES)
        tensors = load_file(made["file"])
        odd = dict(tensors)
        odd["model.layers.0.self_attn.z_proj.weight"] = odd["model.norm.weight"]
        save_file(odd, made["file"])
        with self.assertRaises(DataError) as caught:
            convert.convert(made["dir"], self.dir)
        self.assertIn("model.layers.0.self_attn.z_proj.weight", caught.exception.cause)
        few = dict(tensors)
        del few["model.layers.1.mlp.up_proj.weight"]
        save_file(few, made["file"])
        with self.assertRaises(DataError) as caught:
            convert.convert(made["dir"], self.dir)
        self.assertIn("model.layers.1.feed_forward.w3.weight", caught.exception.cause)
        self.assertFalse(os.path.exists(os.path.join(self.dir, "base.ckpt")))
        computed = dict(tensors)
        computed["model.layers.0.self_attn.rotary_emb.inv_freq"] = tensors["model.norm.weight"]
        save_file(computed, made["file"])
        result = convert.convert(made["dir"], self.dir)
        self.assertEqual((result["tensors_in"], result["tensors_out"]), (22, 21))

    def test_weights_that_are_none(self) -> None:
        made = weights.make(self.dir, seed=1, **SIZES)
        with open(made["file"], "wb") as file:
            file.write(b"version https://git-lfs.github.com/spec/v1\n")
        with self.assertRaises(DataError) as caught:
            convert.convert(made["dir"], self.dir)
        self.assertIn("model.safetensors is a git LFS pointer", caught.exception.cause)
        os.remove(made["file"])
        with self.assertRaises(DataError) as caught:
            convert.convert(made["dir"], self.dir)
        self.assertIn("holds no weights", caught.exception.cause)
        made = weights.make(self.dir, seed=1, **SIZES)
        with open(os.path.join(made["dir"], "config.json"), "w") as config:
            json.dump({"model_type": "bert"}, config)
        with self.assertRaises(DataError) as caught:
            convert.convert(made["dir"], self.dir)
        self.assertIn("bert", caught.exception.cause)
        with self.assertRaises(StepError):
            weights.make(self.dir, seed=1, **dict(SIZES, heads=5))

    def test_comparing_weights(self) -> None:
        import mindspore
        import numpy
        from ftd_train import callbacks

        def parameter(value: float, name: str) -> Any:
            data = numpy.full((2, 2), value, dtype=numpy.float32)
            return mindspore.Parameter(mindspore.Tensor(data), name=name)

        path = os.path.join(self.dir, "x.ckpt")
        mindspore.save_checkpoint(
            [{"name": n, "data": parameter(1.0, n)} for n in ("same", "other", "gone", "step_num")],
            path,
        )
        network = {
            name: parameter(value, name)
            for name, value in (("same", 1.0), ("other", 2.0), ("x.lora_a", 1.0), ("fresh", 1.0))
        }
        result = callbacks.compare(path, network, callbacks.ADDED)
        self.assertEqual((result["tensors"], result["loaded"]), (3, 1))
        self.assertEqual(result["missing"], ["gone"])
        self.assertEqual(result["mismatched"], ["other"])
        self.assertEqual(result["random"], ["fresh"])
        self.assertEqual(result["new"], ["x.lora_a"])


if __name__ == "__main__":
    unittest.main()
