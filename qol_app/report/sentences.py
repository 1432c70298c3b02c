"""What the analyses say with something filled in, so that a report can say it in any language.

An analysis writes whole English sentences into its notes. Here they stand with places where
it fills something in; a test compares them with the sources, and the catalogues translate them.
"""

SENTENCES = (
    # completion
    "completion at {where} differs by {gap} points between arms "
    "({one} {share} %, {other} {its_share} %)",
    # change, deterioration
    "deteriorated: worse than baseline by {worse} points or more ({source}); "
    "improved: better by {better} or more ({other})",
    "Deteriorated: worse than {reference} by {points} points or more ({source}). {deaths}",
    "no events by definition {name}",
    "{n} scores dated after death are not looked at",
    "{n} scores without a day are not looked at",
    "{n} scores with a later one on the same day do not count",
    "{n} valid answers were marked as not expected and are counted",
    # survival
    "one arm empty: {group}",
    "no events in {group}",
    "follow-up of {group} ends before {time}",
    "follow-up of {group} ends at {time}, before {tau}",
    "survival of {group} is exactly 0.5 from {first} to {after}: the median is {median} by its "
    "first time, {middle} by the middle (taken: {taken})",
    "{n} not known to be alive after randomisation: censored on day 0",
    "nothing to estimate: no variation in {names} among those at risk",
    "{term} is not estimated: nothing of it beside the other terms",
    "separation: the hazard ratio of {term} has no finite estimate and runs to {end}; only the "
    "likelihood-ratio test holds",
    "separation at {factor} {level}: {group} against {reference} has no finite hazard ratio",
    "no hazard ratio at {factor} {level}: {group}",
    "no interaction of {factor} can be tested",
    "{factor} is missing for {n}",
    "{by}: found no group; wanted a column with at least one level",
    # mixed model
    "{formula} by REML, {covariance} covariance, {freedom}.",
    "{n} participants have no complete row.",
    "No complete row for {column} {names}: not in the model.",
    "Only one {column} ({name}): there is nothing to compare.",
    "Not determined by the data, given the terms before: {terms}.",
    "No mean can be given for {cells}, nor what is built on it.",
    "Visits are in alphabetical order: {visits}.",
    "{covariance} covariance could not be fitted: {problem}; {other} was used.",
    "{covariance} covariance could not be fitted: {problem}",
    "the likelihood was still rising after {n} steps",
    "the search stopped short of a maximum, with gradient {gradient}",
    "data: no row is complete; left out: {reasons}",
    "{n} rows for {k} coefficients; wanted more rows than coefficients",
    "outcome {name} does not vary once arm, visit and covariates are known (it lies between "
    "{low} and {high}); wanted varying values",
    # imputation
    "Missing values drawn at random, then made worse ({worse}) by {deltas} in {arms}.",
    "{n} imputations from the mixed model ({covariance} covariance), seed {seed}; analysis of "
    "covariance at each visit; Rubin's rules with Barnard-Rubin degrees of freedom.",
    "{n} visits of participants have no row and were not imputed (no value can exist, as after "
    "death); add a row with an empty outcome for a value that is missing.",
    "{n} missing values could not be imputed: the model knows no mean there.",
    "Too few values to compare {contrasts}, or to average over it.",
    "the covariance matrix is too uncertain to impute from: {n} rows for {k} covariance "
    "parameters; wanted more rows, or a simpler covariance",
    # safety
    "{n} died within {days} days without a complication of grade V",
    "not followed for {days} days",
    "after day {day}",
    # factors of the report
    "baseline {scale}",
    "Grade {n}",
    "Worse than before, grade {n}",
    # last, because it fits so much: why a row was left out
    "no {name}",
)
