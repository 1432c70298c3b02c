"""Starter scripts beside the data: each reads the files and reproduces three numbers.

Whoever gets an export can tell within a minute, in the tool they use, that they read it
rightly: the numbers expected stand in the script and are compared.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

import pyarrow.compute as pc

from qol_app.export.statistics import SAS_NAMES
from qol_app.export.study import Part, Study
from qol_app.scoring import score_columns


@dataclass(frozen=True)
class Expected:
    """Three numbers of an export that a reader can check."""

    participants: int
    complete: int
    mean_score: float | None


class Tally:
    """Adds up the three numbers part by part: participants, complete visits, a mean score.

    The score is the first one of the first instrument of the protocol's first package, over
    all submitted assessments.
    """

    def __init__(self, study: Study) -> None:
        self.instrument = study.protocol.packages[0].instruments[0]
        definition = study.newest_instruments()[self.instrument]
        self.scale = score_columns(definition, definition.item_codes)[0]
        self._participants = self._complete = self._scores = 0
        # Exact partial sums: the mean does not depend on how the study was parted.
        self._sums: list[float] = []

    def add(self, part: Part) -> None:
        """Count the rows of some more participants."""
        self._participants += part["participants"].num_rows
        self._complete += pc.sum(part["visits"]["complete"]).as_py() or 0
        scores = part["scores"]
        mine = pc.and_(
            pc.and_(
                pc.equal(scores["instrument"], self.instrument),
                pc.equal(scores["scale"], self.scale),
            ),
            scores["submitted"],
        )
        values = scores["value"].filter(mine).drop_null()
        self._scores += len(values)
        self._sums.append(math.fsum(values.to_pylist()))

    def expected(self) -> Expected:
        """Return the three numbers of everything added."""
        mean = math.fsum(self._sums) / self._scores if self._scores else None
        return Expected(self._participants, self._complete, mean)


def write_starters(folder: Path, tally: Tally, formats: Sequence[str]) -> None:
    """Write ``start.R`` beside CSV files and ``start.sas`` beside SAS transport files."""
    expected = tally.expected()
    words = {
        "participants": expected.participants,
        "complete": expected.complete,
        "instrument": tally.instrument,
        "scale": tally.scale,
    }
    if "csv" in formats:
        mean = "NaN" if expected.mean_score is None else repr(expected.mean_score)
        (folder / "start.R").write_text(_R.substitute(words, mean=mean))
    if "xpt" in formats:
        mean = "." if expected.mean_score is None else repr(expected.mean_score)
        names = {f"sas_{table}": name for table, name in SAS_NAMES.items()}
        (folder / "start.sas").write_text(_SAS.substitute(words, mean=mean, **names))


_R = Template("""\
# Reads this export and reproduces three numbers. Run it in the folder of the export:
#   Rscript start.R
# Base R only; codebook.csv says what each column means.

read_table <- function(name) {
  table <- read.csv(paste0(name, ".csv"), na.strings = "", encoding = "UTF-8")
  # R takes TRUE for a truth value, but not true.
  truth <- vapply(table, function(one) all(one %in% c("true", "false", NA)), NA)
  table[truth] <- lapply(table[truth], function(one) one == "true")
  table
}

participants <- read_table("participants")
visits <- read_table("visits")
items <- read_table("items")
scores <- read_table("scores")
events <- read_table("events")

here <- scores$$instrument == "$instrument" & scores$$scale == "$scale" & scores$$submitted
found <- c(
  participants = nrow(participants),
  complete_visits = sum(visits$$complete, na.rm = TRUE),
  mean_score = mean(scores$$value[which(here)], na.rm = TRUE)
)
expected <- c(
  participants = $participants,
  complete_visits = $complete,
  mean_score = $mean
)
print(rbind(found, expected))
stopifnot(isTRUE(all.equal(found, expected, tolerance = 1e-9)))
cat("read as it was written\\n")
""")

_SAS = Template("""\
/* Reads this export and reproduces three numbers. Set the folder, then run.
   Columns have their short names here; codebook.csv says what each means. */
%let folder = .;

%macro read_table(file, name);
  libname transport xport "&folder./&file..xpt" access=readonly;
  data work.&name; set transport.&name; run;
  libname transport clear;
%mend;

%read_table(participants, $sas_participants)
%read_table(visits, $sas_visits)
%read_table(items, $sas_items)
%read_table(scores, $sas_scores)
%read_table(events, $sas_events)

proc sql noprint;
  select count(*) into :participants trimmed from work.$sas_participants;
  select coalesce(sum(COMPLETE), 0) into :complete trimmed from work.$sas_visits;
  select mean(VALUE) format=best32. into :mean trimmed from work.$sas_scores
    where INSTR = "$instrument" and SCALE = "$scale" and SUBMITTD = 1;
quit;

data _null_;
  same = (&participants = $participants) and (&complete = $complete)
    and (round(sum(&mean, 0), 1e-8) = round(sum($mean, 0), 1e-8));
  put "participants &participants (expected $participants)";
  put "complete visits &complete (expected $complete)";
  put "mean score &mean (expected $mean)";
  if same then put "read as it was written";
  else put "ERROR: these are not the numbers of this export";
run;
""")
