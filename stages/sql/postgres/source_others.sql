-- Editions of the year, other than the one given, that are not served. What a revert holds stays held.
SELECT sha256 FROM dvf_import.source
WHERE year = :year AND sha256 <> :'sha256' AND stage <> 'published'
  AND NOT (stage = 'held' AND under IS NOT DISTINCT FROM 'revert')
