-- Of the editions that live serves ($1: [[year, sha256, published_at], ...]) those that came into it after what is
-- served here of their years was put beside another, or beside none. What no staging run has looked at does not say
-- beside what: then the one that was published later is the newer one, by the clock of the server that has both.
SELECT s.year
FROM json_array_elements($1::json) l
JOIN dvf_import.source s ON s.year = (l ->> 0)::smallint AND s.stage = 'published' AND s.sha256 <> l ->> 1
WHERE CASE WHEN s.under IS NOT NULL THEN s.under <> 'beside ' || (l ->> 1)
           ELSE s.published_at < (l ->> 2)::timestamptz END
ORDER BY s.year
