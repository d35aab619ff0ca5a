ANALYZE :"table"
