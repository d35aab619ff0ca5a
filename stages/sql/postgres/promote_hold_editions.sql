-- Held: the next unattended run does not bring back what a revert took out of service.
INSERT INTO dvf_import.source AS s
SELECT (json_populate_record(NULL::dvf_import.source, e.o)).*
FROM (SELECT (o::jsonb || jsonb_build_object('stage', 'held', 'under', 'revert', 'published_at', NULL, 'why',
                     format('reverted on %s; run --release loads it again',
                            to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'))))::json AS o
      FROM json_array_elements($1::json) o) e
ON CONFLICT (edition) DO UPDATE SET stage = 'held', why = EXCLUDED.why, under = EXCLUDED.under
WHERE s.stage <> 'published'
