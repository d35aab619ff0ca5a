DELETE FROM dvf_import_reject WHERE source = ?1 AND record = ?2
