// Every limit of the server in one place. Units are in the names. Those that an operator may change are fields of Limits.
#pragma once
#include <cstdint>

namespace fealty {

struct Limits {
  // HTTP
  std::int64_t header_bytes_max = 16 * 1024;
  std::int64_t json_body_bytes_max = 1024 * 1024;
  std::int64_t json_bodies_node_bytes_max = 256ll * 1024 * 1024;  // all bodies that are being gathered; more are answered 503
  std::int64_t connections_max = 4096;
  int header_timeout_ms = 15'000;         // from the first byte of a request to the end of its head
  int idle_timeout_ms = 75'000;           // between requests on a kept connection
  int body_progress_timeout_ms = 60'000;  // a body that does not move
  int write_timeout_ms = 60'000;          // an answer that the client does not read
  int request_deadline_ms = 30'000;       // time a handler may spend on one request
  int queue_depth_max = 512;              // requests waiting for a worker; more are answered 503
  int drain_after_error_bytes_max = 1024 * 1024;
  int drain_after_error_ms = 2'000;
  int shutdown_grace_ms = 30'000;

  // Bulk uploads (bulk.md)
  std::int64_t bulk_file_bytes_max = 512ll * 1024 * 1024;
  std::int64_t bulk_rows_max = 10'000'000;
  int bulk_columns_max = 500;
  int bulk_cell_characters_max = 32'000;
  std::int64_t bulk_record_bytes_max = 1024 * 1024;  // one record; keeps memory flat for any file
  int bulk_gzip_ratio_max = 200;
  std::int64_t bulk_gzip_free_bytes = 1024 * 1024;
  int bulk_jobs_waiting_max = 100;  // per community
  int bulk_uploads_community_max = 4;
  int bulk_uploads_node_max = 16;
  int bulk_log_name_characters_max = 200;
  std::int64_t bulk_max_errors_max = 10'000'000;
  int bulk_file_errors_max = 1'000;  // items of one 400 answer
  int bulk_chunk_rows_max = 10'000;
  int bulk_chunk_target_ms = 100;
  // Imports without a key: those of one address and of all of them count for each community.
  std::int64_t bulk_anonymous_file_bytes_max = 10 * 1024 * 1024;
  std::int64_t bulk_anonymous_rows_max = 10'000;
  int bulk_anonymous_client_hour_max = 5;
  int bulk_anonymous_community_hour_max = 20;  // addresses are cheap
  int bulk_anonymous_uploads_node_max = 3;     // a place of each community stays for those who have a key
  std::int64_t bulk_anonymous_upload_ms = 120'000;

  // Members
  int tags_per_member_max = 100;
  int custom_fields_max = 200;  // per community, configurable to 1,000
};

}  // namespace fealty
