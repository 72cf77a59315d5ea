// SQL and row mapping of the API log.
#pragma once
#include "access/api_log.h"

namespace fealty::access {

struct StoredRequest {
  std::int64_t number = 0;
  RequestRecord record;
};
void append_requests(sql::Tx& tx, std::vector<StoredRequest> const& requests);
std::vector<StoredRequest> list_requests(sql::Tx& tx, CommunityNo community, LogFilter const& filter);
// Counted up to `most`.
std::int64_t count_requests(sql::Tx& tx, CommunityNo community, LogFilter const& filter, std::int64_t most);
std::optional<StoredRequest> find_request(sql::Tx& tx, CommunityNo community, std::int64_t number);

struct LogSettings {
  CommunityNo community;
  std::int64_t days = 0;
};
std::vector<CommunityNo> communities_logging_reads(sql::Tx& tx);
std::vector<LogSettings> log_settings(sql::Tx& tx);
// Rows with a smaller number, at most so many.
std::int64_t remove_requests(sql::Tx& tx, CommunityNo community, std::int64_t before, std::int64_t at_most);

struct LoggedAddress {
  std::int64_t number = 0;
  std::string address;
};
// Addresses of rows with a number in (after, before), by number.
std::vector<LoggedAddress> logged_addresses(sql::Tx& tx, CommunityNo community, std::int64_t after, std::int64_t before,
                                            std::int64_t at_most);
void set_addresses(sql::Tx& tx, CommunityNo community, std::vector<LoggedAddress> const& addresses);

}  // namespace fealty::access
