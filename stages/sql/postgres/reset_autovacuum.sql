ALTER TABLE :schema.:"incoming" RESET (autovacuum_enabled)
