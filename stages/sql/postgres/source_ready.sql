UPDATE dvf_import.source
SET stage = CASE WHEN stage = 'incoming' THEN 'ready' ELSE stage END,
    plain_size = $2, rows = $3, rejects = $4, ready_at = clock_timestamp()
WHERE edition = $1
