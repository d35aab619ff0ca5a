SELECT uuid, inode, schema_version FROM dvf_import_destination
