UPDATE dvf_import.source
SET stage = 'published', published_at = clock_timestamp(), why = NULL, under = NULL
WHERE edition = $1
