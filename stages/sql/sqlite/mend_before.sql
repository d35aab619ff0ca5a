SELECT mended_at, rowid FROM dvf_import_mended WHERE source = ?1 AND record = ?2
