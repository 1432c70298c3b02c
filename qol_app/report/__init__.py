"""From analysis tables to a report: sections with text, tables and figures, and one page."""
