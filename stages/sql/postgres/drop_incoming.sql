DROP TABLE IF EXISTS dvf_import.:"incoming"
