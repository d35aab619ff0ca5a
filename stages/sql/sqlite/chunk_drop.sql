DELETE FROM dvf_import_chunk WHERE source = ?1
