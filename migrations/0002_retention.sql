-- Finished jobs whose files and rows are still kept, by the end of their time; and every file that a job has. An empty
-- file_key means that the file and the rows are gone.
CREATE INDEX bulk_jobs_with_files ON bulk_jobs (expires_at, file_key) WHERE file_key <> '';
