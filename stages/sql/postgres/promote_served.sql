-- The editions a database serves, for the one that is to take its place.
SELECT coalesce(json_agg(json_build_array(year, sha256, published_at)), '[]')
FROM dvf_import.source WHERE stage = 'published'
