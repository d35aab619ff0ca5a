UPDATE dvf_import_source SET stage = ?2, why = ?3, under = ?4 WHERE id = ?1
