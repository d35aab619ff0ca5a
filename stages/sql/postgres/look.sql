SELECT uuid, database_oid, system_identifier FROM dvf_import.destination
