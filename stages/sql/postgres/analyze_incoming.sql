ANALYZE dvf_import.:"incoming"
