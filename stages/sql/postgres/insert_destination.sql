INSERT INTO dvf_import.destination (uuid, database_oid, system_identifier, token, holder, schema_version)
VALUES (gen_random_uuid(), :oid, :system, 1, :'holder', :version)
ON CONFLICT DO NOTHING
