-- Changes nothing but makes SQLite write, and with that take away a journal that a killed one left.
UPDATE dvf_import_destination SET token = token
