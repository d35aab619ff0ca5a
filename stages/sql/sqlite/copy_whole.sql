-- Whether the chunks of the source ?1 cover as many bytes as those of the attached destination's ?2.
SELECT
	(SELECT coalesce(sum(plain_end - plain_first), 0) FROM main.dvf_import_chunk WHERE source = ?1)
	= (SELECT coalesce(sum(plain_end - plain_first), 0) FROM live.dvf_import_chunk WHERE source = ?2)
