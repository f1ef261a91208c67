"""Default values: equal everywhere, or absent somewhere and then absent in the supergraph, or a conflict."""

from __future__ import annotations

from router.composition.merge.merging import Merging, Sources, present
from router.composition.merge.wording import distribution, listed, subgraphs
from router.federation.elements import UNSET, InputValue, printed


def merge_defaults(merging: Merging, sources: Sources[InputValue], merged: InputValue, *, is_argument: bool) -> None:
    """Merge the default value of an argument or input field."""
    found = present(sources)
    values = {index: source.default for index, source in found.items() if source.default is not UNSET}
    texts = {index: _shown(source) for index, source in found.items() if source.default is not UNSET}
    if not values:
        return
    if len(set(texts.values())) > 1:
        merged.default = next(iter(values.values()))
        _refuse(merging, sources, merged, is_argument=is_argument)
    elif len(values) < len(found):
        _hint(merging, sources, merged, is_argument=is_argument)
    else:
        merged.default = next(iter(values.values()))


def _shown(source: InputValue) -> str:
    return "no default value" if source.default is UNSET else f"default value {printed(source.default)}"


def _refuse(merging: Merging, sources: Sources[InputValue], merged: InputValue, *, is_argument: bool) -> None:
    groups = merging.groups(sources, lambda source, _: _shown(source), _shown(merged))
    told = distribution(groups, lambda v, n: f"it has {v} in {n}", lambda v, n: f"{v} in {n}")
    element = "Argument" if is_argument else "Input field"
    merging.error(
        "FIELD_ARGUMENT_DEFAULT_MISMATCH" if is_argument else "INPUT_FIELD_DEFAULT_MISMATCH",
        f'{element} "{merged.coordinate}" has incompatible default values across subgraphs: {told}',
        merging.places(sources),
    )


def _hint(merging: Merging, sources: Sources[InputValue], merged: InputValue, *, is_argument: bool) -> None:
    groups = merging.groups(sources, lambda source, _: _shown(source), _shown(merged))
    (_, without), *rest = groups
    others = listed([f"{variant} in {subgraphs(names)}" for variant, names in rest])
    element = "Argument" if is_argument else "Input field"
    merging.hint(
        "INCONSISTENT_DEFAULT_VALUE_PRESENCE",
        f'{element} "{merged.coordinate}" has a default value in only some subgraphs: will not use a default in the supergraph '
        f'(there is no default in {subgraphs(without)}) but "{merged.coordinate}" has {others}.',
        merged.coordinate,
        merging.places(sources),
    )
