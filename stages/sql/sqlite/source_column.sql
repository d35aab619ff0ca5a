SELECT count(*) FROM pragma_table_info('dvf_import_source')
WHERE name = ?1
