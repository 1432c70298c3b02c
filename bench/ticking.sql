-- Participants :first to :last, randomised five weeks ago, each with ten assessments of which
-- W6 is open and nothing is due: all are to be looked at again on some day to come.
INSERT INTO participant (id, public_id, study_number, site_id, protocol_id, language, timezone,
                         identity_ref, enrolled_at)
SELECT n, 'p' || n, 'P-' || n, (SELECT min(id) FROM site),
       (SELECT max(id) FROM definition WHERE kind = 'protocol'), 'sv', 'Europe/Stockholm',
       'i' || n, now() - interval '40 days'
FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n;

INSERT INTO contact (identity_ref, email)
SELECT 'i' || n, 'only its presence is read here' FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n;

INSERT INTO participant_event (participant_id, kind, happened_on, details, retracted, reason,
                               recorded_at)
SELECT n, what.kind, current_date - what.days, what.details, false, '', now()
FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n,
     (VALUES ('consent', 42, CAST('{}' AS json)),
             ('randomisation', 37, CAST('{"arm":"A"}' AS json))) AS what (kind, days, details);

INSERT INTO assessment (public_id, participant_id, protocol_id, timepoint, occurrence, package,
                        instruments, anchor_on, opens_on, target_on, closes_on, late_until,
                        provisional, planned_at, dropped_reason, look_again_at)
SELECT 'a' || n || '-' || t.code, n,
       (SELECT max(id) FROM definition WHERE kind = 'protocol'), t.code, 1, 'core',
       CAST('["qlq-c30", "qlq-lmc21", "eq-5d-5l"]' AS json), current_date - 37,
       current_date - 37 + t.opens, current_date - 37 + t.day, current_date - 37 + t.closes,
       current_date - 37 + t.closes + 14, false, now(), '',
       CASE WHEN t.closes < 37 THEN NULL
            ELSE now() + make_interval(days => t.day, secs => n % 86400) END
FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n,
     (VALUES ('T0', -28, 0, 0), ('W6', 35, 42, 56), ('M3', 77, 91, 112), ('M6', 155, 183, 211),
             ('M9', 246, 274, 302), ('M12', 330, 365, 407), ('M18', 506, 548, 590),
             ('M24', 688, 730, 772), ('M30', 871, 913, 955), ('M36', 1054, 1096, 1156)
     ) AS t (code, opens, day, closes);

INSERT INTO reminder (participant_id, assessment_id, step, channel, due_at, status, why,
                      claimed_at, fence, attempts)
SELECT a.participant_id, a.id, 'opening', 'email', now() - interval '60 days', 'handed_over', '',
       now() - interval '60 days', 1, 1
FROM assessment AS a
WHERE a.timepoint = 'T0' AND a.participant_id BETWEEN :first AND :last;

INSERT INTO delivery (reminder_id, reference, channel, language, started_at, status,
                      finished_at, detail)
SELECT r.id, 'r' || r.id, 'email', 'sv', r.claimed_at, 'accepted', r.claimed_at, ''
FROM reminder AS r
WHERE r.participant_id BETWEEN :first AND :last;
