-- The records that people mended here.
SELECT coalesce(json_agg(json_build_array(edition, record)), '[]') FROM dvf_import.mended
