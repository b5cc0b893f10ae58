"""Tests of the conversion on real MindSpore and mindformers."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from typing import Any, Dict
from unittest import mock

import numpy
import torchwriter
from ftd_steps import ckptfile, convert, families, files, weights, weightset
from ftd_steps.errors import DataError, StepError

LIBRARIES = ("mindspore", "mindformers")
HAS_TORCH = all(importlib.util.find_spec(name) for name in ("torch", "transformers"))
SIZES: Dict[str, Any] = {
    "vocab_size": 300,
    "hidden_size": 64,
    "intermediate_size": 96,
    "layers": 2,
    "heads": 4,
    "max_positions": 32,
}
# What a mindformers YAML of a ChatGLM2 says of the model with these sizes.
GLM2 = """\
model:
  model_config:
    type: ChatGLM2Config
    num_layers: 2
    padded_vocab_size: 300
    hidden_size: 64
    ffn_hidden_size: 96
    kv_channels: 16
    num_attention_heads: 4
    multi_query_attention: True
    multi_query_group_num: 2
    add_qkv_bias: True
    qkv_concat: {qkv_concat}
    mlp_concat: {mlp_concat}
    use_rearrange_rope: {use_rearrange_rope}
"""


def loaded(path: str) -> Dict[str, Any]:
    """Return what MindSpore reads from a checkpoint."""
    import mindspore

    return dict(mindspore.load_checkpoint(path))


def numbers(directory: str) -> Dict[str, Any]:
    """Return all numbers of Hugging Face weights."""
    return {
        entry.name: numpy.concatenate([*entry.raw()]).reshape(entry.shape)
        for entry in weightset.read(directory)
    }


@unittest.skipUnless(
    all(importlib.util.find_spec(name) for name in LIBRARIES), "needs " + ", ".join(LIBRARIES)
)
class Conversion(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = directory.name
        # mindformers writes ./output where it is imported.
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.dir)

    def made(self, family: str) -> str:
        made: str = weights.make(self.dir, seed=1, family=family, **SIZES)["dir"]
        return made

    def yaml(self, **switches: bool) -> str:
        names = ("qkv_concat", "mlp_concat", "use_rearrange_rope")
        path = os.path.join(self.dir, "glm2.yaml")
        with open(path, "w") as file:
            file.write(GLM2.format(**{name: switches.get(name, False) for name in names}))
        return path

    def test_chatglm(self) -> None:
        directory = self.made("glm")
        result = convert.convert(directory, self.dir)
        self.assertEqual(
            [result[name] for name in ("tensors_in", "tensors_out", "left_out", "unmapped")],
            [30, 28, 2, 0],
        )
        self.assertEqual(result["dtype"], "Float16")
        before, after = numbers(directory), loaded(result["file"])
        layer = "transformer.layers.1."
        pairs = {
            "transformer.word_embeddings.weight": "transformer.word_embeddings.embedding_table",
            layer + "input_layernorm.weight": layer + "input_layernorm.gamma",
            layer + "post_attention_layernorm.bias": layer + "post_attention_layernorm.beta",
            layer + "attention.query_key_value.bias": layer + "attention.query_key_value.bias",
            layer + "mlp.dense_4h_to_h.weight": layer + "mlp.dense_4h_to_h.weight",
            "transformer.final_layernorm.weight": "transformer.final_layernorm.gamma",
            "lm_head.weight": "lm_head.weight",
        }
        for old, new in pairs.items():
            self.assertTrue((before[old] == after[new].asnumpy()).all(), old)

    def test_the_file_is_what_mindspore_writes(self) -> None:
        import mindspore

        for dtype in ("", "float32"):
            ours = convert.convert(self.made("glm"), self.dir, dtype=dtype)["file"]
            theirs = os.path.join(self.dir, "theirs.ckpt")
            parameters = [{"name": name, "data": p} for name, p in loaded(ours).items()]
            mindspore.save_checkpoint(parameters, theirs)
            with open(ours, "rb") as one, open(theirs, "rb") as other:
                self.assertEqual(one.read(), other.read())

    def test_long_tensors_are_split(self) -> None:
        directory = self.made("llama")
        once = convert.convert(directory, self.dir)
        whole = loaded(once["file"])
        with mock.patch.object(ckptfile, "RECORD", 1 << 10):
            result = convert.convert(directory, self.dir)
        self.assertEqual((result["tensors_out"], result["bytes"]), (21, once["bytes"]))
        for name, parameter in loaded(result["file"]).items():
            self.assertTrue((parameter.asnumpy() == whole[name].asnumpy()).all(), name)

    def test_pytorch_shards_convert_alike(self) -> None:
        directory = self.made("glm")
        tensors = numbers(directory)
        names = sorted(tensors)
        shards = os.path.join(self.dir, "shards")
        os.mkdir(shards)
        for number in range(2):
            part = {name: tensors[name] for name in names[number::2]}
            shard = f"pytorch_model-{number + 1:05}-of-00002.bin"
            torchwriter.save(os.path.join(shards, shard), part)
        shutil.copy(os.path.join(directory, "config.json"), shards)
        whole = loaded(convert.convert(directory, self.dir)["file"])
        again = loaded(convert.convert(shards, self.dir)["file"])
        self.assertEqual(set(whole), set(again))
        for name, parameter in whole.items():
            self.assertTrue((parameter.asnumpy() == again[name].asnumpy()).all(), name)
        # A single file without config.json: the family is told, the layers are counted.
        alone = os.path.join(self.dir, "pt_glm_6b.pth")
        torchwriter.save(alone, tensors)
        self.assertEqual(convert.convert(alone, self.dir, family="glm")["tensors_out"], 28)
        # Of single precision: the original halves the first norm of each layer.
        torchwriter.save(alone, {name: x.astype("float32") for name, x in tensors.items()})
        single = loaded(convert.convert(alone, self.dir, family="glm")["file"])
        halves = {name for name, p in single.items() if "Float16" in str(p.dtype)}
        self.assertEqual(halves, {name for name in single if ".input_layernorm." in name})

    def test_families(self) -> None:
        directory = self.made("glm")
        with self.assertRaises(DataError) as caught:
            convert.convert(directory, self.dir, family="llama")
        self.assertIn("'chatglm', which is no llama", caught.exception.cause)
        path = os.path.join(directory, "config.json")
        config = files.read_json(path)
        for layers, word in ((3, "transformer.layers.2.attention.dense.bias"), (None, "lacks")):
            files.write_json(path, dict(config, num_layers=layers))
            if layers:
                with self.assertRaises(DataError) as caught:
                    convert.convert(directory, self.dir)
                self.assertIn(word, caught.exception.cause)
        self.assertEqual(convert.convert(directory, self.dir)["tensors_out"], 28)
        with open(path, "w") as file:
            json.dump(["no", "object"], file)
        with self.assertRaises(DataError):
            convert.convert(directory, self.dir)

    def test_a_config_of_another_model(self) -> None:
        directory = self.made("llama")
        path = os.path.join(directory, "config.json")
        config = files.read_json(path)
        for other, says in (
            ({"num_hidden_layers": 1}, "has 2 layers where config.json says 1"),
            ({"vocab_size": 301}, "has 300 tokens where config.json says 301"),
            ({"hidden_size": 128}, "has 64 numbers a token where config.json says 128"),
        ):
            files.write_json(path, dict(config, **other))
            with self.assertRaises(DataError) as caught:
                convert.convert(directory, self.dir)
            self.assertIn(says, caught.exception.cause)
            self.assertFalse(os.path.exists(os.path.join(self.dir, "base.ckpt")))
        # The table may have rows to spare, and a config.json need not tell all.
        files.write_json(path, dict(config, vocab_size=297))
        self.assertEqual(convert.convert(directory, self.dir)["tensors_out"], 21)
        del config["vocab_size"], config["num_hidden_layers"]
        files.write_json(path, config)
        self.assertEqual(convert.convert(directory, self.dir)["tensors_out"], 21)

    def test_an_interrupted_conversion_looks_unfinished(self) -> None:
        directory = self.made("llama")
        code = (
            "import ftd, os, sys\n"
            "from ftd_steps import convert, tensor\n"
            "tensor.PIECE = 1 << 12\n"
            "written = []\n"
            "ftd.progress = lambda *at: len(written) > 9 and os.kill(os.getpid(), 9)"
            " or written.append(at)\n"
            "convert.convert(sys.argv[1], sys.argv[2])\n"
        )
        out = os.path.join(self.dir, "out")
        os.mkdir(out)
        env = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
        killed = subprocess.run(
            [sys.executable, "-c", code, directory, out], env=env, check=False, capture_output=True
        )
        self.assertEqual(killed.returncode, -signal.SIGKILL)
        self.assertEqual(os.listdir(out), ["base.ckpt.part"])
        self.assertEqual(convert.convert(directory, out)["tensors_out"], 21)
        self.assertEqual(os.listdir(out), ["base.ckpt"])

    def test_chatglm2(self) -> None:
        import mindformers

        directory = self.made("glm2")
        if not hasattr(mindformers, "__version__"):  # 0.8 has one layout only
            whole = loaded(convert.convert(directory, self.dir)["file"])
            self.assertEqual(len(whole), 2 * 7 + 3)
            self.assertIn("transformer.embedding.embedding_table", whole)
            return
        with self.assertRaises(DataError) as caught:
            convert.convert(directory, self.dir)
        self.assertIn("config:", caught.exception.remedy)
        before = numbers(directory)
        layer = "transformer.encoder.layers.1."
        shared = before[layer + "self_attention.query_key_value.weight"]
        query, key, value = shared[:64], shared[64:96], shared[96:]
        whole = loaded(
            convert.convert(
                directory, self.dir, config=self.yaml(qkv_concat=True, mlp_concat=True)
            )["file"]
        )
        self.assertEqual(len(whole), 2 * 7 + 3)
        name = layer + "self_attention.query_key_value.weight"
        self.assertTrue((whole[name].asnumpy() == shared).all())
        self.assertIn("transformer.embedding.embedding_weight", whole)

        result = convert.convert(directory, self.dir, config=self.yaml())
        self.assertEqual((result["tensors_in"], result["tensors_out"]), (18, 2 * 12 + 3))
        parts = loaded(result["file"])
        for name, rows in (("wq", query), ("wk", key), ("wv", value)):
            part = parts[f"{layer}self_attention.{name}.weight"].asnumpy()
            self.assertTrue((part == rows).all(), name)
        half = before[layer + "mlp.dense_h_to_4h.weight"][96:]
        self.assertTrue((parts[layer + "mlp.dense_right.weight"].asnumpy() == half).all())

        turned = loaded(
            convert.convert(directory, self.dir, config=self.yaml(use_rearrange_rope=True))["file"]
        )
        order = [16 * head + at for head in range(4) for at in [*range(0, 16, 2), *range(1, 16, 2)]]
        part = turned[layer + "self_attention.wq.weight"].asnumpy()
        self.assertTrue((part == query[order]).all())
        part = turned[layer + "self_attention.wv.weight"].asnumpy()
        self.assertTrue((part == value).all())

        path = self.yaml()
        with open(path) as file:
            text = file.read().replace("ffn_hidden_size: 96", "ffn_hidden_size: 100")
        with open(path, "w") as file:
            file.write(text)
        with self.assertRaises(DataError) as caught:
            convert.convert(directory, self.dir, config=path)
        self.assertIn("192 rows, but by the YAML it has 200", caught.exception.cause)

    def test_torch_must_not_come_before_mindspore(self) -> None:
        code = (
            "import sys, types\n"
            "sys.modules['torch'] = types.ModuleType('torch')\n"
            "from ftd_steps import errors, original\n"
            "try:\n    original.load('llama')\n"
            "except errors.StepError as error:\n    print(error)\n"
        )
        env = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
        said = subprocess.run(
            [sys.executable, "-c", code], env=env, check=True, capture_output=True
        ).stdout.decode()
        self.assertIn("torch was imported before MindSpore", said)
        self.assertIn("isolation: worker", said)

    def test_without_torch_the_original_says_so(self) -> None:
        if HAS_TORCH:
            self.skipTest("torch is here")
        with self.assertRaises(StepError) as caught:
            convert.convert(self.made("llama"), self.dir, by="mindformers")
        self.assertIn("torch", str(caught.exception))
        self.assertIn("by: ftd", caught.exception.remedy)
        self.assertFalse(os.path.exists(os.path.join(self.dir, "base.ckpt")))

    @unittest.skipUnless(HAS_TORCH, "needs torch and transformers")
    def test_the_original_gives_the_same(self) -> None:
        known = ["llama"]
        if importlib.util.find_spec("mindformers.models.glm"):
            known.append("glm")
        for family in known:
            directory = self.made(family)
            dtype = "float16" if family == "llama" else ""
            ours = convert.convert(directory, self.dir, dtype=dtype)
            self.same(ours, directory, dtype=dtype)

    @unittest.skipUnless(HAS_TORCH, "needs torch and transformers")
    def test_the_original_of_chatglm2_gives_the_same(self) -> None:
        if not importlib.util.find_spec("mindformers.models.glm2.convert_weight"):
            self.skipTest("this mindformers has no converter of ChatGLM2")
        import mindspore  # noqa: F401
        import torch
        from mindformers.models.glm2 import convert_weight

        directory = self.made("glm2")
        # transformers would fetch the code of the model; only its tensors are asked for.
        state = {name: torch.from_numpy(x.copy()) for name, x in numbers(directory).items()}
        model = mock.Mock(**{"from_pretrained.return_value.state_dict.return_value": state})
        for switches in (
            {},
            {"qkv_concat": True},
            {"mlp_concat": True},
            {"mlp_concat": True, "use_rearrange_rope": True},
        ):
            config = self.yaml(**switches)
            ours = convert.convert(directory, self.dir, dtype="float16", config=config)
            with mock.patch.object(convert_weight, "AutoModel", model):
                self.same(ours, directory, dtype="float16", config=config)

    def same(self, ours: Dict[str, Any], directory: str, **options: Any) -> None:
        """Compare what ftd made with what mindformers makes, tensor by tensor."""
        mine = loaded(ours["file"])
        result = convert.convert(directory, self.dir, by="mindformers", **options)
        self.assertEqual(result["unmapped"], 0)
        self.assertIn("mindformers.models.", result["converter"])
        theirs = loaded(result["file"])
        self.assertEqual({name for name in theirs if "inv_freq" not in name}, set(mine))
        for name, parameter in mine.items():
            self.assertEqual(parameter.dtype, theirs[name].dtype, name)
            self.assertTrue((parameter.asnumpy() == theirs[name].asnumpy()).all(), name)

    def checkout(self, body: str) -> str:
        """Make a checkout whose converter of LLaMA does ``body``."""
        folder = os.path.join(self.dir, "checkout", "mindformers", "models", "llama")
        os.makedirs(folder, exist_ok=True)
        for path in (folder, os.path.dirname(folder), os.path.dirname(os.path.dirname(folder))):
            with open(os.path.join(path, "__init__.py"), "w"):
                pass
        with open(os.path.join(folder, "convert_weight.py"), "w") as file:
            file.write("import mindspore as ms, numpy\n")
            file.write("def name_replace(name):\n")
            file.write(f"    return {NAMES!r}[name]\n")
            file.write(f"def convert_hf_ckpt(ckpt_dir, output_name, dtype=None):\n    {body}\n")
        return os.path.join(self.dir, "checkout")

    def in_checkout(self, body: str, **options: Any) -> Dict[str, Any]:
        """Convert with a checkout in another process; return outputs or error."""
        if not hasattr(type(self), "other"):
            type(self).other = self.start()
        tiny = dict(SIZES, layers=0)
        weights_dir = weights.make(self.dir, seed=1, **tiny)["dir"]
        options.setdefault("by", "mindformers")
        options.update(weights=weights_dir, output_dir=self.dir, mindformers=self.checkout(body))
        process = type(self).other
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(options) + "\n")
        process.stdin.flush()
        answer: Dict[str, Any] = json.loads(process.stdout.readline())
        return answer

    other: "subprocess.Popen[str]"  # converts what it reads, while the tests run

    @classmethod
    def start(cls) -> "subprocess.Popen[str]":
        code = (
            "import json, os, sys\n"
            "answers = os.fdopen(os.dup(1), 'w')\n"
            "os.dup2(os.open(os.devnull, os.O_WRONLY), 1)\n"
            "from ftd_steps import convert, errors\n"
            "for line in sys.stdin:\n"
            "    try:\n"
            "        answer = convert.convert(**json.loads(line))\n"
            "    except errors.StepError as error:\n"
            "        answer = {'cause': error.cause, 'remedy': error.remedy}\n"
            "    print(json.dumps(answer), file=answers, flush=True)\n"
        )
        return subprocess.Popen(
            [sys.executable, "-c", code],
            env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            universal_newlines=True,
        )

    @classmethod
    def tearDownClass(cls) -> None:
        if hasattr(cls, "other"):
            cls.other.communicate()

    def test_a_checkout(self) -> None:
        save = "ms.save_checkpoint([{'name': n, 'data': ms.Tensor(numpy.ones(s))} for n, s in %r]"
        hidden = SIZES["hidden_size"]
        shapes = [(300, hidden), (hidden,), (300, hidden)]
        whole = [*zip(NAMES.values(), shapes)]
        for listed, word in ((whole, ""), (whole[1:], "left out 1 tensors: model.tok_emb")):
            answer = self.in_checkout(save % listed + ", output_name)")
            self.assertIn(word, answer.get("cause", ""))
            if not word:
                self.assertEqual((answer["tensors_in"], answer["tensors_out"]), (3, 3))
                self.assertIn("checkout/mindformers/models/llama/convert", answer["converter"])
        more = [*whole, ("model.strange", (2,))]
        answer = self.in_checkout(save % more + ", output_name)")
        self.assertEqual((answer["unmapped"], answer["unmapped_names"]), (1, "model.strange"))
        turned = [(whole[0][0], shapes[0][::-1]), *whole[1:]]
        answer = self.in_checkout(save % turned + ", output_name)")
        self.assertIn("in the shape (64, 300) instead of (300, 64)", answer["cause"])
        answer = self.in_checkout("raise KeyError", by="ftd")
        self.assertEqual(answer["converter"], families.Llama.converter)
        answer = self.in_checkout(save % whole + ", output_name)", by="")
        if HAS_TORCH:
            self.assertIn("checkout/mindformers/models/llama/convert", answer["converter"])
        else:  # it would need torch: ftd does it, with the names of the checkout
            self.assertEqual(answer["converter"], families.Llama.converter)

    def test_the_order_of_old_versions(self) -> None:
        # The checkout made here has no convert_to_new_ckpt, as 0.6 has not.
        tensors = {
            f"model.layers.0.{part}.weight": numpy.arange(8.0).reshape(8, 1)
            for part in ("attention.wq", "attention.wv")
        }
        family = families.Llama(self.checkout("pass"), {"hidden_size": 8, "num_attention_heads": 2})
        directory = self.path_of(tensors)
        family.rename = lambda name: name  # type: ignore[method-assign]
        query, value = [family.tensors(entry)[0] for entry in weightset.read(directory)]
        self.assertEqual(next(query.raw()).tolist(), [0, 2, 1, 3, 4, 6, 5, 7])
        self.assertEqual(next(value.raw()).tolist(), [*range(8)])

    def path_of(self, tensors: Dict[str, Any]) -> str:
        path = os.path.join(self.dir, "some.bin")
        torchwriter.save(path, {name: x.astype("float32") for name, x in tensors.items()})
        return path

    def test_how_the_original_fails(self) -> None:
        hidden = (
            "try:\n        raise OSError('no weights')\n    except OSError as e:\n        e.message"
        )
        for body, word in (
            ("print('Do not find it'); return False", "failed: Do not find it"),
            (hidden, "failed: OSError: no weights"),
            ("print('Failed to load it, due to X'); raise KeyError", "Failed to load it, due to X"),
            ("return True", "wrote no file"),
        ):
            answer = self.in_checkout(body)
            self.assertIn(word, answer["cause"])
            self.assertFalse(os.path.exists("base.ckpt"))
        for wrong in (self.dir, self.checkout("pass")):
            with self.assertRaises(StepError) as caught:
                convert.convert(self.made("llama"), self.dir, mindformers=wrong)
            self.assertIn("checkout" if wrong == self.dir else "another", str(caught.exception))


# What a LLaMA without layers holds, and what mindformers calls it.
NAMES = {
    "model.embed_tokens.weight": "model.tok_embeddings.embedding_weight",
    "model.norm.weight": "model.norm_out.weight",
    "lm_head.weight": "lm_head.weight",
}


if __name__ == "__main__":
    unittest.main()
