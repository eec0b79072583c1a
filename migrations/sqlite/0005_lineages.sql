-- Restoring backups. A database that was restored begins a new lineage: its counters jump past everything that may have
-- been handed out before, and posts that may be out already are looked up on the platforms before anything is sent.

CREATE TABLE aurareels_lineages (
  number INTEGER PRIMARY KEY,                  -- 1, 2, ...; the newest is the present one
  lineage TEXT NOT NULL,                       -- short and random; that of number 1 names the database
  begun_at INTEGER NOT NULL,                   -- when the backup was restored
  backup_at INTEGER,                           -- when the backup was made; NULL: begun with an empty database
  kept_through INTEGER NOT NULL,               -- last event position that the backup holds
  events_from INTEGER NOT NULL                 -- first event position that this lineage gave; none lies between the two
) STRICT;
CREATE UNIQUE INDEX aurareels_lineage ON aurareels_lineages (lineage);

-- The post may have gone out since then, by the lineage before: it is looked up before anything is sent. NULL: it cannot.
ALTER TABLE aurareels_social_posts ADD COLUMN look_since INTEGER;
CREATE INDEX aurareels_looked_up ON aurareels_social_posts (social_account_id) WHERE look_since IS NOT NULL;
