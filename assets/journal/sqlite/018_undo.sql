-- What a capsule shows: records before they were merged or a merge was taken back, or what a merge made of them.

ALTER TABLE capsules ADD COLUMN taken TEXT NOT NULL DEFAULT 'before';  -- before | after
