-- Whether the served edition $2 of the year $1 has another address ($3) or other validators ($4, $5) than it is known by, or
-- others of its year were begun that no revert holds.
SELECT EXISTS (SELECT FROM dvf_import.source WHERE year = $1 AND sha256 = $2 AND stage = 'published'
                   AND (url, coalesce(etag, ''), coalesce(last_modified, '')) IS DISTINCT FROM ($3, $4, $5))
    OR EXISTS (SELECT FROM dvf_import.source WHERE year = $1 AND sha256 <> $2 AND stage <> 'published'
                   AND NOT (stage = 'held' AND under IS NOT DISTINCT FROM 'revert'))
