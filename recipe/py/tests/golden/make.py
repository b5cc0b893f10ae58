"""Make the golden files anew with the original scripts of a mindformers checkout.

    python make.py CHECKOUT

needs a Python with MindSpore and what the checkout imports, and writes beside
itself.
"""

import json
import os
import runpy
import sys
import tempfile
from typing import Any, Dict, List

HERE = os.path.dirname(os.path.abspath(__file__))
LENGTH = 1023


def script(checkout: str, name: str, *arguments: str) -> None:
    """Run a preprocessing script of the checkout as its __main__."""
    path = os.path.join(checkout, "mindformers", "tools", "dataset_preprocess", name)
    sys.argv = [path, *arguments]
    sys.path.insert(0, os.path.dirname(path))
    runpy.run_path(path, run_name="__main__")


def rows(path: str) -> List[Dict[str, Any]]:
    """Return the rows of a MindRecord, without the padding at their ends."""
    from mindspore.mindrecord import FileReader

    reader = FileReader(path)
    found = []
    for row in reader.get_next():
        ids, labels = row["input_ids"].tolist(), row["labels"].tolist()
        while ids and ids[-1] == 0 and labels[-1] == -100:
            ids.pop()
            labels.pop()
        found.append({"input_ids": ids, "labels": labels})
    reader.close()
    return found


def main(checkout: str) -> None:
    """Write conversations.json and rows.json."""
    sys.path.insert(0, checkout)
    conversations = os.path.join(HERE, "conversations.json")
    data = os.path.join(HERE, "alpaca.json")
    script(
        checkout,
        "llama/alpaca_converter.py",
        f"--data_path={data}",
        f"--output_path={conversations}",
    )
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        script(
            checkout,
            "llama/llama_preprocess.py",
            "--dataset_type=qa",
            f"--input_glob={conversations}",
            f"--model_file={os.path.join(HERE, 'tokenizer.model')}",
            f"--seq_length={LENGTH}",
            "--output_file=golden.mindrecord",
        )
        with open(os.path.join(HERE, "rows.json"), "w", encoding="utf-8") as file:
            file.write(
                "[\n" + ",\n".join(json.dumps(row) for row in rows("golden.mindrecord")) + "\n]\n"
            )


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
