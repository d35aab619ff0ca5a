-- Not its other years: nothing of them changes, and whoever has one of those is in nobody's way. The table that leaves dvf is
-- locked when it does.
LOCK TABLE ONLY :dvf IN ACCESS EXCLUSIVE MODE
