"""Scheduled quality-of-life questionnaires for clinical trials: from definition to analysis."""

import os

__version__ = "0.1.0"

# Our matrices are small: threads of BLAS would only wait for each other, at five times the
# processor time, and add up in an order of their own. Read when numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
