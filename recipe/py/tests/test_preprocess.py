"""Tests of the steps that use the scripts of a checkout.

The checkout is one that is written here, with functions of the same names; and
the one that FTD_TEST_CHECKOUT names, which the environment must suit.
"""

import importlib.util
import json
import os
import sys
import tempfile
import unittest
from typing import Any, Dict, List

from ftd_steps import adgen, files, mindrecord, tokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from calls import Calls  # noqa: E402 (beside this file)

ALPACA = os.path.join(HERE, "golden", "alpaca.json")
DIALOGUES = os.path.join(HERE, "golden", "conversations.json")
MODEL = os.path.join(HERE, "golden", "tokenizer.model")
ADGEN = os.path.join(HERE, "..", "..", "builtin", "data", "adgen-tiny.json")

CONVERTER = """
import json

def main(options):
    print("asked for", options.data_path)
    with open(options.data_path, encoding="utf-8") as file:
        rows = json.load(file)
    made = [{"id": "1", "conversations": [{"from": "gpt", "value": row["output"]}]} for row in rows]
    with open(options.output_path, "x", encoding="utf-8") as file:
        json.dump(made[%s:], file)
"""

PREPROCESS = """
from conversation import MARK  # the file beside this one

class LlamaTokenizer:
    eos_token_id = 2
    add_eos_token = False

    def __init__(self, vocab_file):
        self.file = vocab_file

def preprocess(sources, tokenizer, seq_length):
    assert tokenizer.add_eos_token
    ids = [[1, len(turns), MARK, 2] for turns in sources]
    if len(sources[0][0]["value"]) == 1:
        raise ValueError("a row exceeds the length")
    rows = [row + [0] * (seq_length - len(row)) for row in ids]
    return {"input_ids": rows, "labels": [row[%s:] for row in rows]}
"""

DATASET = """
import os
from mindspore.mindrecord import FileWriter

def get_masks(input_ids, bos_token_id=130004):
    return bos_token_id

def create_position_ids(input_ids, gmask_token_id=130001):
    return gmask_token_id

def preprocess_function(input_file, vocab_file, output_file, num_splits, source, target):
    writer = FileWriter(output_file, num_splits, overwrite=True)
    writer.add_schema({"input_ids": {"type": "int32", "shape": [-1]}}, "schema")
    if %s:
        open(output_file, "w").close()
        raise KeyError("content")
    import numpy
    row = numpy.zeros(source + target, dtype=numpy.int32)
    row[:2] = create_position_ids(row), get_masks(row)
    with open(input_file, encoding="utf-8") as file:
        writer.write_raw_data([{"input_ids": row} for line in file])
    writer.commit()
"""


def rows(path: str) -> List[Any]:
    """Return type and numbers of the columns of each row."""
    from mindspore.mindrecord import FileReader

    reader = FileReader(path)
    found = [
        {name: (str(row[name].dtype), row[name].tolist()) for name in sorted(row)}
        for row in reader.get_next()
    ]
    reader.close()
    return found


def like_chatglm(path: str, number: int) -> None:
    """Give a tokenizer without marks those of ChatGLM-6B, the first as piece ``number``."""
    import sentencepiece

    have = sentencepiece.SentencePieceProcessor(model_file=path).get_piece_size()
    names = [f"<never_{i}>" for i in range(have, number)]
    marks = [*tokenizer.GLM_MARKS.split(","), "<pad>"]
    with open(path, "ab") as file:  # repeated fields of a protobuf add up
        for kind, listed in ((5, names), (3, marks)):  # unused, control
            for name in listed:
                text = name.encode()
                piece = b"\x0a" + bytes([len(text)]) + text + b"\x18" + bytes([kind])
                file.write(b"\x0a" + bytes([len(piece)]) + piece)


@unittest.skipUnless(
    all(importlib.util.find_spec(name) for name in ("sentencepiece", "mindspore")),
    "needs sentencepiece and mindspore",
)
class Preprocess(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = directory.name

    def process(self, *path: str) -> Calls:
        """Start what calls steps, since a checkout's modules are not for this process."""
        calls = Calls(self.dir, [*path])
        self.addCleanup(calls.end)
        return calls

    def checkout(self, name: str, **scripts: str) -> str:
        """Make a checkout with these files in its folder of preprocessing scripts."""
        root = os.path.join(self.dir, name)
        os.makedirs(os.path.join(root, "mindformers", "models"))
        for which, text in scripts.items():
            path = script(root, which)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)
        return root

    def assert_same(self, ours: List[Any], theirs: List[Any]) -> None:
        """Compare rows; of long ones, unittest would look for the difference forever."""
        self.assertEqual(len(ours), len(theirs))
        for number, (mine, wanted) in enumerate(zip(ours, theirs), start=1):
            self.assertEqual(sorted(mine), sorted(wanted))
            for column in mine:
                self.assertTrue(mine[column] == wanted[column], f"{column} of row {number}")

    def test_conversations(self) -> None:
        calls = self.process()
        arguments: Dict[str, Any] = {"data": ALPACA, "output_dir": self.dir}
        good = self.checkout("good", alpaca_converter=CONVERTER % 0)
        for _ in range(2):  # the second replaces the first
            made = calls.call("conversations", "make", mindformers=good, **arguments)
            self.assertIn("good/mindformers/tools/dataset_preprocess/llama/alp", made["made_by"])
            self.assertIn("asked for", made["said"])
        found = files.read_json(made["file"])
        self.assertEqual(([*found[0]], len(found)), (["id", "conversations"], made["rows"]))
        made = calls.call("conversations", "make", mindformers=good, by="ftd", **arguments)
        self.assertEqual(made["made_by"], "ftd")
        self.assertEqual(files.read_json(made["file"]), files.read_json(DIALOGUES))
        # One that loses a row, and one that fails, leave what was there.
        for name, text, word in (
            ("loses", CONVERTER % 1, "made 13 conversations of 14 rows"),
            ("fails", "def main(options):\n    open(options.output_path, 'w'); 1 / 0", "by zero"),
        ):
            folder = self.checkout(name, alpaca_converter=text)
            failed = calls.call("conversations", "make", mindformers=folder, **arguments)
            self.assertIn(word, failed["cause"])
            self.assertEqual(files.read_json(made["file"]), files.read_json(DIALOGUES))
            self.assertFalse(os.path.exists(made["file"] + ".part"))
        failed = calls.call("conversations", "make", by="mindformers", **arguments)
        self.assertIn("no preprocessing scripts", failed["cause"])
        failed = calls.call("conversations", "make", mindformers=self.dir, **arguments)
        self.assertIn("is not a checkout of mindformers", failed["cause"])

    def test_what_a_script_needs_is_named(self) -> None:
        calls = self.process()
        arguments: Dict[str, Any] = {
            "conversations": DIALOGUES,
            "tokenizer": MODEL,
            "seq_length": 300,
        }
        arguments["output_dir"] = self.dir
        # A module that nobody has; for fastchat the package has another name.
        lacking = "raise ModuleNotFoundError(\"No module named 'fastchat'\", name='fastchat')"
        folder = self.checkout("lacks", llama_preprocess=lacking)
        failed = calls.call(
            "mindrecord", "write", mindformers=folder, by="mindformers", **arguments
        )
        self.assertIn("No module named 'fastchat'", failed["cause"])
        self.assertIn("fschat", failed["remedy"])
        made = calls.call("mindrecord", "write", mindformers=folder, **arguments)
        self.assertEqual((made["made_by"], made["rows"]), ("ftd", 14))
        self.assertIn("No module named 'fastchat'", made["said"])
        folder = self.checkout("other", llama_preprocess="def preprocess(): pass")
        made = calls.call("mindrecord", "write", mindformers=folder, **arguments)
        self.assertEqual(made.get("made_by"), "ftd")
        self.assertIn("LlamaTokenizer", made["said"])
        folder = self.checkout("empty")
        made = calls.call("mindrecord", "write", mindformers=folder, **arguments)
        self.assertEqual(made["made_by"], "ftd")
        self.assertIn("there is no", made["said"])

    def test_mindrecord(self) -> None:
        calls = self.process()
        arguments: Dict[str, Any] = {
            "conversations": DIALOGUES,
            "tokenizer": MODEL,
            "seq_length": 9,
        }
        arguments["output_dir"] = self.dir
        for mark in (7, 8):  # each has the file beside it, and not that of the other
            folder = self.checkout(
                f"co{mark}", llama_preprocess=PREPROCESS % 0, conversation=f"MARK = {mark}"
            )
            made = calls.call("mindrecord", "write", mindformers=folder, **arguments)
            self.assertEqual(made.get("cause"), None)
            self.assertEqual((made["rows"], made["longest"], made["cut"]), (14, 4, 0))
            wanted = ("int32", [1, 2, mark, 2, 0, 0, 0, 0, 0, 0])
            self.assertEqual(rows(made["file"])[13], {"input_ids": wanted, "labels": wanted})
        full = calls.call(
            "mindrecord", "write", mindformers=folder, **dict(arguments, seq_length=2)
        )
        self.assertIn("(14, 4) of 14 dialogues, for rows of 3 tokens", full["cause"])
        folder = self.checkout("short", llama_preprocess=PREPROCESS % 1, conversation="MARK = 0")
        failed = calls.call("mindrecord", "write", mindformers=folder, **arguments)
        self.assertIn("made labels in the shape (14, 9)", failed["cause"])
        # What is wrong with a dialogue is said before the script sees it.
        bad = os.path.join(self.dir, "bad.json")
        files.write_json(bad, [{"id": "5", "conversations": [{"from": "human", "value": "a"}]}])
        failed = calls.call(
            "mindrecord", "write", mindformers=folder, **dict(arguments, conversations=bad)
        )
        self.assertIn("conversation 5 holds no answer", failed["cause"])
        files.write_json(
            bad,
            [{"id": "5", "conversations": [{"from": f, "value": "a"} for f in ("human", "gpt")]}],
        )
        failed = calls.call(
            "mindrecord", "write", mindformers=folder, **dict(arguments, conversations=bad)
        )
        self.assertIn("ValueError: a row exceeds the length", failed["cause"])
        self.assertIn("raise seq_length", failed["remedy"])

    def test_adgen(self) -> None:
        calls = self.process()
        model = tokenizer.train(self.dir, 700, adgen=ADGEN, family="glm")["file"]
        arguments: Dict[str, Any] = {"data": ADGEN, "tokenizer": model, "output_dir": self.dir}
        arguments.update(source_length=6, target_length=7)
        folder = self.checkout("good", adgen_dataset=DATASET % False)
        made = calls.call("adgen", "write", mindformers=folder, **arguments)
        self.assertEqual(made.get("cause"), None)
        self.assertIn("glm/adgen_dataset.py", made["made_by"])
        self.assertEqual((made["rows"], made["seq_length"]), (len(adgen.read(ADGEN)), 13))
        # It is told the numbers of this tokenizer, in place of those of ChatGLM-6B.
        self.assertEqual(rows(made["file"])[0], {"input_ids": ("int32", [5, 8] + [0] * 11)})
        self.assertIn(
            "create_position_ids is told of this tokenizer: gmask_token_id 5", made["said"]
        )
        failed = calls.call(
            "adgen", "write", mindformers=folder, by="mindformers", family="glm2", **arguments
        )
        self.assertIn("no script for ChatGLM2", failed["cause"])
        # What a script leaves that fails is gone.
        folder = self.checkout("fails", adgen_dataset=DATASET % True)
        failed = calls.call("adgen", "write", mindformers=folder, **arguments)
        self.assertIn("KeyError", failed["cause"])
        self.assertFalse(os.path.exists(made["file"]))

    @unittest.skipUnless(os.environ.get("FTD_TEST_CHECKOUT"), "needs FTD_TEST_CHECKOUT")
    def test_same_rows_as_a_real_checkout(self) -> None:
        checkout = os.environ["FTD_TEST_CHECKOUT"]
        calls = self.process()
        real: Dict[str, Any] = {"mindformers": checkout, "by": "mindformers"}
        made = calls.call("conversations", "make", data=ALPACA, output_dir=self.dir, **real)
        self.assertEqual(made.get("cause"), None)
        self.assertEqual(files.read_json(made["file"]), files.read_json(DIALOGUES))
        # With 1.x <unk> and <s> in a text are tokens, with ftd and 0.x letters.
        dialogues = [row for row in files.read_json(DIALOGUES) if "<unk>" not in json.dumps(row)]
        self.assertEqual(len(dialogues), 13)
        files.write_json(made["file"], dialogues)
        arguments: Dict[str, Any] = {
            "conversations": made["file"],
            "tokenizer": MODEL,
            "seq_length": 700,
        }
        theirs = calls.call("mindrecord", "write", output_dir=self.dir, **arguments, **real)
        self.assertEqual(theirs.get("cause"), None)
        self.assertEqual(theirs["made_by"].split(":")[0], script(checkout, "llama_preprocess"))
        wanted = rows(theirs["file"])
        ours = mindrecord.write(output_dir=self.dir, **arguments)
        self.assert_same(rows(ours["file"]), wanted)
        for name in ("rows", "longest", "cut", "skipped"):
            self.assertEqual(ours[name], theirs[name], name)
        longest = ours["longest"]
        short = dict(arguments, seq_length=longest - 2, output_dir=self.dir)
        theirs = calls.call("mindrecord", "write", **short, **real)
        if "cause" in theirs:  # 0.x refuses what is too long
            self.assertIn("raise seq_length", theirs["remedy"])
        else:  # 1.6 cuts it
            self.assertEqual((theirs["rows"], theirs["cut"]), (13, 1))

    @unittest.skipUnless(os.environ.get("FTD_TEST_CHECKOUT"), "needs FTD_TEST_CHECKOUT")
    def test_same_rows_of_adgen_as_a_real_checkout(self) -> None:
        checkout = os.environ["FTD_TEST_CHECKOUT"]
        if not os.path.exists(script(checkout, "adgen_dataset")):
            self.skipTest("later versions tokenise while they train")
        calls = self.process()
        arguments: Dict[str, Any] = {"data": ADGEN, "output_dir": self.dir}
        arguments.update(source_length=16, target_length=32)
        for family in ("llama", "glm"):  # whose marks are put where ChatGLM-6B has them, or not
            model = tokenizer.train(self.dir, 700, adgen=ADGEN, family=family)["file"]
            if family == "llama":
                like_chatglm(model, 130000)
            arguments["tokenizer"] = model
            theirs = calls.call(
                "adgen", "write", mindformers=checkout, by="mindformers", **arguments
            )
            self.assertEqual(theirs.get("cause"), None)
            wanted = rows(theirs["file"])
            for row in wanted if "label" in wanted[0] else []:  # 0.6 has another schema
                row["labels"] = row.pop("label")
                kind, mask = row["attention_mask"]
                row["attention_mask"] = (kind, [mask])
            ours = adgen.write(**arguments)
            self.assertEqual((ours["rows"], ours["seq_length"]), (theirs["rows"], 48))
            self.assert_same(rows(ours["file"]), wanted)


def script(checkout: str, name: str) -> str:
    """Return the path of a preprocessing script."""
    folder = os.path.join(checkout, "mindformers", "tools", "dataset_preprocess")
    return os.path.join(folder, "glm" if name.startswith("adgen") else "llama", name + ".py")


if __name__ == "__main__":
    unittest.main()
