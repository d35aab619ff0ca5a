-- What was meant, and did not come to be, is not meant any more.
DELETE FROM dvf_import.swap WHERE done_at IS NULL AND kind = 'promote' AND live = $1::uuid
