"""Measures the way from conversations to MindRecord, imports not counted.

    python alpaca.py ftd|calls|script DIRECTORY [CHECKOUT [ROWS]]

"ftd" is ftd's step. "script" is llama_preprocess.py of a mindformers checkout,
by the functions that its own main part calls. "calls" stands for it where
there is no checkout: the same library calls, row by row, with the tokenizer
of the installed mindformers. The last line that is printed is the figure: rows
a second of processor time, so that other work on the machine does not count.
"""

import json
import os
import random
import sys
import time
from typing import Any, Dict, Iterator, List

HERE = os.path.dirname(os.path.abspath(__file__))
TOKENIZER = os.path.join(HERE, "..", "tests", "golden", "tokenizer.model")
DATA = os.path.join(HERE, "..", "..", "builtin", "data", "alpaca-tiny.json")
LENGTH = 2048


def conversations(directory: str, rows: int) -> str:
    """Write dialogues as long as alpaca's, out of the sentences of the tiny data."""
    from ftd_steps import conversations as step
    from ftd_steps import files

    tiny = files.read_json(DATA)
    chance = random.Random(1)
    data = []
    for number in range(rows):
        some = chance.sample(tiny, 6)
        data.append(
            {
                "instruction": " ".join(row["instruction"] for row in some[:2]),
                "input": some[2]["input"] if number % 2 else "",
                "output": " ".join(row["output"] for row in some),
            }
        )
    path = os.path.join(directory, "alpaca.json")
    files.write_json(path, data)
    made: str = step.make(path, directory)["file"]
    return made


def ftd_step(data: str, directory: str, _: str) -> None:
    """Call the step mindrecord."""
    from ftd_steps import mindrecord

    mindrecord.write(data, TOKENIZER, directory, LENGTH)


def script(data: str, directory: str, checkout: str) -> None:
    """Do what the main part of the original does, with its own functions."""
    sys.path.insert(0, os.path.join(checkout, "mindformers/tools/dataset_preprocess/llama"))
    import llama_preprocess

    write(directory, llama_preprocess.tokenize_qa(tokenizer(), data, LENGTH + 1))


def calls(data: str, directory: str, _: str) -> None:
    """Tokenise each round, each round again to count it, and each question alone."""
    from ftd_steps import files, prompt

    model = tokenizer()

    def rows() -> Iterator[Dict[str, Any]]:
        import numpy

        for dialogue in files.read_json(data):
            ids: List[int] = [model.bos_token_id]
            rounds = prompt.split(dialogue)
            for text in rounds:
                ids.extend(model(text)["input_ids"][1:])
            padded = numpy.array(ids + [0] * (LENGTH + 1 - len(ids)), dtype=numpy.int32)
            labels = padded.copy()
            end = 1
            labels[0] = -100
            for text in rounds:
                size = len(model(text)["input_ids"]) - 1
                asked = len(model(prompt.question(text))["input_ids"]) - 3
                labels[end : end + asked] = -100
                end += size
            labels[end:] = -100
            yield {"input_ids": padded, "labels": labels}

    write(directory, rows())


def tokenizer() -> Any:
    """Return mindformers' tokenizer as its preprocessing sets it up."""
    from mindformers.models.llama.llama_tokenizer import LlamaTokenizer

    return LlamaTokenizer(vocab_file=TOKENIZER, add_bos_token=True, add_eos_token=True)


def write(directory: str, rows: Iterator[Dict[str, Any]]) -> None:
    """Write rows one by one, as the original does."""
    from mindspore.mindrecord import FileWriter

    writer = FileWriter(os.path.join(directory, "peer.mindrecord"), shard_num=1)
    column = {"type": "int32", "shape": [-1]}
    writer.add_schema({"input_ids": column, "labels": column}, "qa")
    for row in rows:
        writer.write_raw_data([row])
    writer.commit()


def main(how: str, directory: str, checkout: str = "", count: str = "") -> None:
    """Make data, warm up what is imported, and measure."""
    if checkout:
        sys.path.insert(0, checkout)
    os.chdir(directory)
    import mindspore.mindrecord

    rows = int(count or (5200 if how == "ftd" else 1000))
    data = conversations(directory, rows)
    assert mindspore.mindrecord
    if how != "ftd":
        tokenizer()
    started = time.process_time()
    {"ftd": ftd_step, "script": script, "calls": calls}[how](data, directory, checkout)
    print(json.dumps({"rows_per_second": rows / (time.process_time() - started)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
