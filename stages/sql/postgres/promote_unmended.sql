-- Of mended records ($1: [[edition, record], ...]) those whose edition is served here and that are rejects here.
SELECT s.year, count(*)
FROM json_array_elements($1::json) e
JOIN dvf_import.source s ON s.edition = e ->> 0 AND s.stage = 'published'
WHERE NOT EXISTS (SELECT FROM dvf_import.mended m WHERE m.edition = e ->> 0 AND m.record = (e ->> 1)::bigint)
GROUP BY s.year
ORDER BY s.year
