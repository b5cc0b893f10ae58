"""Hugging Face weights to a MindSpore checkpoint.

ftd streams: one piece of one tensor is in memory at a time, torch is not
needed, and the names are mapped by mindformers' own function where there is
one (:mod:`ftd_steps.families`). Or mindformers does all of it, as a person
would by hand (:mod:`ftd_steps.original`). Either way each tensor is accounted
for before the step counts.
"""

import os
import re
from typing import Any, Dict, Iterable, Iterator, List, Set, Tuple

from ftd_steps import checkout, ckptfile, families, original, weightset
from ftd_steps.errors import DataError, StepError
from ftd_steps.tensor import BY_NAME, Part, Tensor

FTD, MINDFORMERS = "ftd", "mindformers"
LAYERS = ("num_hidden_layers", "num_layers")


def convert(
    weights: str,
    output_dir: str,
    family: str = "",
    dtype: str = "",
    by: str = "",
    mindformers: str = "",
    config: str = "",
) -> Dict[str, Any]:
    """Convert ``weights``, a directory or one file, to ``base.ckpt``.

    ``family`` is one of :data:`ftd_steps.families.NAMES`; empty: as config.json
    says. ``dtype`` is what floating-point numbers become; empty keeps each
    tensor's own. ``by`` is "ftd" or "mindformers"; empty is the latter when
    ``mindformers`` is given, the directory of a checkout to import it from,
    and what its converter needs is installed. ``config`` is a
    YAML of mindformers, which the family glm2 needs.
    """
    if mindformers:
        checkout.use(mindformers)
    about = weightset.read_config(weights)
    tensors = weightset.read(weights)  # before the import of mindformers, which takes seconds
    chosen = families.choose(family, about, weights, config, mindformers)
    plan = Plan(chosen, tensors, about, weights)
    path = os.path.join(output_dir, "base.ckpt")
    if by == MINDFORMERS or (mindformers and not by and original.possible(chosen.folder)):
        converter = made_by = original.convert(
            chosen.folder, weights, tensors, path, dtype=dtype, checkout=mindformers, config=config
        )
    else:
        converter, made_by = chosen.converter, FTD
        print(f"names are mapped by {converter}")
        ckptfile.write(path, plan.parts(dtype))
    return dict(plan.account(path, converter), made_by=made_by)


class Plan:
    """Which tensor becomes which; every one has its place, and every place its tensor."""

    def __init__(
        self, family: families.Family, tensors: List[Tensor], config: Dict[str, Any], weights: str
    ) -> None:
        self.family = family
        self.read = len(tensors)
        self.computed = [t.name for t in tensors if family.computed.fullmatch(t.name)]
        self.made: List[Tuple[Tensor, Tensor]] = []  # before, after
        for tensor in tensors:
            if not family.computed.fullmatch(tensor.name):
                self.made += [(tensor, new) for new in family.tensors(tensor)]
        self._places(weights)
        layers = told(config, *LAYERS) or self._layers()
        self._whole(family.expected(layers), family.optional(config), weights)
        self._fits(config, weights)

    def _places(self, weights: str) -> None:
        unmapped = sorted(
            old.name for old, new in self.made if not self.family.place.fullmatch(new.name)
        )
        if unmapped:
            raise DataError(
                f"{len(unmapped)} tensors of {weights} have no place in mindformers' "
                f"{self.family.model}: {weightset.listing(unmapped)}",
                f"check that these are the weights of a {self.family.model}",
            )
        if len({new.name for _, new in self.made}) != len(self.made):
            raise StepError(
                f"{self.family.converter} maps two tensors to one name",
                "use another version of mindformers",
            )

    def _whole(self, expected: List[str], optional: List[str], weights: str) -> None:
        missing = sorted(set(expected) - set(optional) - {new.name for _, new in self.made})
        if missing:
            raise DataError(
                f"{weights} lacks {len(missing)} tensors that the model needs: "
                + weightset.listing(missing),
                "check that all files of the weights are there",
            )

    def _layers(self) -> int:
        numbers = [re.search(r"\blayers\.(\d+)\.", new.name) for _, new in self.made]
        return max((int(found.group(1)) for found in numbers if found), default=-1) + 1

    def _fits(self, config: Dict[str, Any], weights: str) -> None:
        """Raise when config.json is of another model; else only the training would notice."""
        table = next(new for _, new in self.made if new.name == self.family.embedding)
        rows = table.shape[0]  # some tables are padded with rows that no token has
        differ = [
            f"{has} {what} where config.json says {said}"
            for what, has, said in (
                ("layers", self._layers(), told(config, *LAYERS)),
                ("numbers a token", table.shape[-1], told(config, "hidden_size")),
                ("tokens", rows, max(rows, told(config, "padded_vocab_size", "vocab_size"))),
            )
            if said not in (0, has)
        ]
        if differ:
            raise DataError(
                f"{weights} has " + " and ".join(differ),
                "give the weights with the config.json that came with them",
            )

    def parts(self, dtype: str) -> Iterator[Part]:
        """Yield what is to be written."""
        for _, new in self.made:
            yield new.part(new.to(BY_NAME[dtype]) if dtype else self.family.dtype(new))

    def account(self, path: str, converter: str) -> Dict[str, Any]:
        """Compare what was written with what was to be; return the step's outputs."""
        records = ckptfile.records(path)
        found = {record.name: record for record in records}
        lost = [new.name for _, new in self.made if new.name not in found]
        if lost:
            raise StepError(
                f"{converter} left out {len(lost)} tensors: {weightset.listing(lost)}",
                "convert with by: ftd, or use another version of mindformers",
            )
        for _, new in self.made:
            if found[new.name].shape != new.shape:
                raise StepError(
                    f"{converter} wrote {new.name} in the shape {found[new.name].shape} "
                    f"instead of {new.shape}",
                    "check that config: belongs to these weights",
                )
        unmapped = sorted(self._others(found))
        dtypes = ", ".join(sorted({record.dtype for record in records}))
        size = sum(record.nbytes for record in records)
        left_out = sum(name not in found for name in self.computed)
        print(
            f"{self.read} tensors in, {len(records)} out ({size} bytes, {dtypes}), "
            f"{left_out} computed ones left out, "
            + (f"not mapped: {', '.join(unmapped)}" if unmapped else "none unmapped")
        )
        return {
            "file": path,
            "converter": converter,
            "tensors_in": self.read,
            "tensors_out": len(records),
            "left_out": left_out,
            "unmapped": len(unmapped),
            "unmapped_names": ", ".join(unmapped),
            "bytes": size,
            "dtype": dtypes,
        }

    def _others(self, found: Iterable[str]) -> Set[str]:
        others = set(found) - {new.name for _, new in self.made}
        return {name for name in others if not self.family.computed.fullmatch(name)}


def told(config: Dict[str, Any], *names: str) -> int:
    """Return the first of these sizes that a config.json has; 0 if it has none."""
    return next((int(config[name]) for name in names if config.get(name) is not None), 0)
