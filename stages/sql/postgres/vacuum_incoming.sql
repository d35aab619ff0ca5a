VACUUM (FREEZE, ANALYZE) dvf_import.:"incoming"
