-- Where there is no live database to be like.
CREATE DATABASE :"name" TEMPLATE template0 ENCODING 'UTF8'
