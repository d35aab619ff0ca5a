-- The last swap has happened, if it is the one meant.
UPDATE dvf_import.swap SET done_at = clock_timestamp()
WHERE number = (SELECT max(number) FROM dvf_import.swap) AND kind = $1 AND live = $2::uuid AND done_at IS NULL
