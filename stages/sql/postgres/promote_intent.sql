-- Written into both databases before they change places; the same again is not written twice.
INSERT INTO dvf_import.swap (kind, live, instead_of, run, outgoing)
SELECT $1, $2::uuid, $3::uuid, $4, $5::oid
WHERE NOT EXISTS (SELECT FROM (SELECT * FROM dvf_import.swap ORDER BY number DESC LIMIT 1) last
                  WHERE last.kind = $1 AND last.live = $2::uuid AND last.instead_of IS NOT DISTINCT FROM $3::uuid
                    AND last.outgoing IS NOT DISTINCT FROM $5::oid AND last.done_at IS NULL)
