ALTER TABLE dvf_import.:"incoming" SET SCHEMA :schema
