"""Triggers by which the database itself refuses an answer behind a submission.

A save and a submission may run at the same time. SQLite's writers stand in one line. On
PostgreSQL the trigger waits for a submission that is under way, which holds the assessment's
row, and then looks: the answer is in time, or it is refused, and saving need take no lock.
"""

TRIGGER = "response_not_after_submission"
REFUSAL = "response after the submission"

_SQLITE = f"""
CREATE TRIGGER {TRIGGER} AFTER INSERT ON response
WHEN EXISTS (
    SELECT 1 FROM form JOIN submission ON submission.assessment_id = form.assessment_id
    WHERE form.id = NEW.form_id
)
BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END
"""

_FUNCTION = f"""
CREATE FUNCTION qol_not_after_submission() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sitting integer;
BEGIN
    SELECT assessment_id INTO sitting FROM form WHERE id = NEW.form_id;
    PERFORM 1 FROM assessment WHERE id = sitting FOR KEY SHARE;
    IF EXISTS (SELECT 1 FROM submission WHERE assessment_id = sitting) THEN
        RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$
"""

_POSTGRESQL = f"""
CREATE TRIGGER {TRIGGER} AFTER INSERT ON response
FOR EACH ROW EXECUTE FUNCTION qol_not_after_submission()
"""

STATEMENTS = {"sqlite": [_SQLITE], "postgresql": [_FUNCTION, _POSTGRESQL]}
