DELETE FROM dvf_import_mended WHERE source = ?1
