SELECT coalesce(max(rowid), 0) FROM dvf_import_mended
