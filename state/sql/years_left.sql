-- Years that a killed run left in work: nobody works on them now.
UPDATE year SET stage = 'stopped'
WHERE stage IN ('waiting', 'fetching', 'loading', 'copying', 'indexing', 'checking', 'publishing')
