ALTER TABLE :dvf ATTACH PARTITION :schema.:"incoming" FOR VALUES IN (:year)
