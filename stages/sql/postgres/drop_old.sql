-- Never CASCADE: what depends on it is somebody's.
DROP TABLE :old
