"""The format ``cdisc``: two folders of data sets, each with its define.xml, and the checks."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from qol_app.export.cdisc.adam import adam
from qol_app.export.cdisc.adam_spec import ADAM_METHODS
from qol_app.export.cdisc.codelists import adam_codelists, sdtm_codelists
from qol_app.export.cdisc.dataset_json import write_dataset_json
from qol_app.export.cdisc.define import ADAM, SDTM, Described, Standard, write_define
from qol_app.export.cdisc.model import CodeList, Dataset
from qol_app.export.cdisc.rules import Finding, Package, findings, report
from qol_app.export.cdisc.sdtm import sdtm
from qol_app.export.cdisc.sdtm_spec import SDTM_METHODS
from qol_app.export.cdisc.trial import Trial
from qol_app.export.gathered import Gathered, frames_of
from qol_app.export.study import Study
from qol_app.export.transport import Variable, write_transport

Frames = Mapping[str, pd.DataFrame]


class CdiscWriter(Gathered):
    """``cdisc/sdtm`` and ``cdisc/adam``, with ``cdisc/checks.csv`` beside them."""

    def write(self, tables: dict[str, pa.Table]) -> None:
        """Write both folders and the outcome of every rule."""
        packages = cdisc_packages(self.study, frames_of(tables))
        found: list[Finding] = []
        for folder, what in packages.items():
            found += findings(_package(what))
            _write_folder(self.folder / "cdisc" / folder, what)
        report(found).to_csv(self.folder / "cdisc" / "checks.csv", index=False)


def cdisc_packages(study: Study, frames: Frames) -> dict[str, Described]:
    """Return what is written into each folder."""
    people = frames["participants"].dropna(subset=["randomised_on"])
    trial = Trial(study, dict(zip(people["participant"], people["randomised_on"], strict=True)))
    tabulation, analysis = sdtm(trial, frames), adam(trial, frames)
    events = analysis[-1].frame
    event_codes = dict(zip(events["PARAMCD"], events["PARAM"], strict=True))
    return {
        "sdtm": _described(trial, SDTM, tabulation, sdtm_codelists(trial), SDTM_METHODS),
        "adam": _described(trial, ADAM, analysis, adam_codelists(trial, event_codes), ADAM_METHODS),
    }


def _described(
    trial: Trial,
    standard: Standard,
    datasets: Sequence[Dataset],
    codelists: Mapping[str, CodeList],
    methods: Mapping[str, str],
) -> Described:
    return Described(trial, standard, tuple(datasets), codelists, methods)


def _package(what: Described) -> Package:
    datasets = {data.name: data for data in what.datasets}
    subjects = frozenset(what.datasets[0].frame["USUBJID"])
    return Package(datasets, what.codelists, subjects)


def _write_folder(folder: Path, what: Described) -> None:
    folder.mkdir(parents=True)
    for data in what.datasets:
        _write_transport(folder, what.trial, data)
        path = folder / f"{data.name.lower()}.json"
        write_dataset_json(path, what.trial, what.standard, data)
    write_define(folder / "define.xml", what)


def _write_transport(folder: Path, trial: Trial, data: Dataset) -> None:
    frame = pd.DataFrame(
        {
            one.name: data.frame[one.name]
            if one.kind in ("text", "date")
            else pd.to_numeric(data.frame[one.name]).astype(float)
            for one in data.spec.variables
        }
    )
    variables = [Variable(one.name, one.label, one.is_text) for one in data.spec.variables]
    path = folder / f"{data.name.lower()}.xpt"
    made_at = trial.study.data_until
    write_transport(path, data.name, data.spec.label, variables, frame, made_at)
