"""Tests of the rows for ChatGLM, where there is one against mindformers' own."""

import importlib.util
import os
import tempfile
import unittest
from typing import Any, Dict, List

from ftd_steps import adgen, tokenizer
from ftd_steps.errors import DataError, StepError
from ftd_steps.pieces import Encoder

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "..", "builtin", "data", "adgen-tiny.json")


@unittest.skipUnless(
    all(importlib.util.find_spec(name) for name in ("sentencepiece", "mindspore", "mindformers")),
    "needs sentencepiece, mindspore and mindformers",
)
class Adgen(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = directory.name
        # mindformers writes ./output where it is imported.
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.dir)

    def tokenizer(self, family: str) -> str:
        path: str = tokenizer.train(self.dir, 700, adgen=DATA, family=family)["file"]
        return path

    def written(self, result: Dict[str, Any]) -> List[Dict[str, Any]]:
        from mindspore.mindrecord import FileReader

        reader = FileReader(result["file"])
        rows = list(reader.get_next())
        reader.close()
        return rows

    def test_glm(self) -> None:
        model = self.tokenizer("glm")
        processor = Encoder(model).processor
        gmask, begin, end = (processor.piece_to_id(p) for p in ("[gMASK]", "<sop>", "<eop>"))
        self.assertEqual((gmask, begin, end), (5, 8, 9))
        source, target = 16, 32
        row = self.written(adgen.write(DATA, model, self.dir, source, target, "glm"))[0]
        example = adgen.read(DATA)[0]
        ids, labels = row["input_ids"].tolist(), row["labels"].tolist()
        context = ids.index(begin)
        self.assertEqual(ids[:context], [*processor.encode(example.content)[: source - 1], gmask])
        answer = [*processor.encode(example.summary)[: target - 2], end]
        self.assertEqual(ids[context + 1 : context + 1 + len(answer)], answer)
        self.assertEqual(set(ids[context + 1 + len(answer) :]) - {3}, set())
        self.assertEqual(labels[:context], [-100] * context)
        self.assertEqual(labels[context : context + len(answer)], answer, "shifted by one")
        positions = row["position_ids"]
        self.assertEqual(positions.shape, (2, source + target))
        self.assertEqual(positions[0].tolist()[: context + 1], [*range(context), context - 1])
        self.assertEqual(positions[1].tolist()[context - 1 : context + 2], [0, 1, 2])
        mask = row["attention_mask"]
        self.assertEqual(mask.shape, (1, source + target, source + target))
        self.assertEqual(mask[0, 0, :context].tolist(), [0] * context, "a question sees itself")
        self.assertEqual(mask[0, context, context : context + 2].tolist(), [0, 1])

    def test_glm2_as_mindformers_makes_it(self) -> None:
        import numpy
        from mindformers.dataset.keyword_gen_dataset import KeyWordGenDataset

        try:
            from mindformers import ChatGLM2Tokenizer
            from mindformers.tools.register import MindFormerConfig

            own = ChatGLM2Tokenizer(self.tokenizer("glm2"))
            settings = MindFormerConfig(
                max_source_length=24, max_target_length=20, ignore_pad_token_for_loss=True
            )
            make = KeyWordGenDataset._train_dataset_functionv2
            make(numpy.array("a"), numpy.array("b"), settings, own)
        except (ImportError, TypeError, AttributeError) as error:
            self.skipTest(f"this mindformers makes other rows: {error}")
        rows = self.written(adgen.write(DATA, own.vocab_file, self.dir, 24, 20, "glm2"))
        for row, example in zip(rows[:40], adgen.read(DATA)):
            wanted = make(numpy.array(example.content), numpy.array(example.summary), settings, own)
            self.assertEqual([row["input_ids"].tolist(), row["labels"].tolist()], list(wanted))

    def test_data_that_is_none(self) -> None:
        path = os.path.join(self.dir, "bad.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write('{"content": "a", "summary": "b"}\n\n{"content": "a"}\n')
        with self.assertRaises(DataError) as caught:
            adgen.read(path)
        self.assertIn("line 3 of", caught.exception.cause)
        with self.assertRaises(StepError):
            tokenizer.train(self.dir, 700)


if __name__ == "__main__":
    unittest.main()
