SELECT uuid = ?1, token = ?2, holder FROM dvf_import_destination
