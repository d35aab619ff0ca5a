UPDATE dvf_import_source SET rows = rows + 1, rejects = rejects - 1 WHERE id = ?1
