-- Where the first chunk of the attached destination's source begins.
SELECT min(plain_first) FROM live.dvf_import_chunk WHERE source = ?1
