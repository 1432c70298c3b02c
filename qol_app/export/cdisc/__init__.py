"""CDISC: SDTM and ADaM data sets as SAS transport and Dataset-JSON, described by Define-XML."""
