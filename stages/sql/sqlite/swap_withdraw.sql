-- What was meant and never done is not meant any more.
DELETE FROM main.dvf_import_swap WHERE done_at IS NULL
