ANALYZE :table
