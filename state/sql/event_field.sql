SELECT json_set(?1, '$."' || ?2 || '"', CASE WHEN ?4 THEN json(?3) ELSE ?3 END)
