#include "access/api_log_store.h"

namespace fealty::access {
namespace {

using sql::Row;
using sql::Statement;
using enum sql::Batch::Type;

Statement const kAppend{
    sql::Append{}, "api_logs.append",
    "INSERT INTO api_logs (community_id, log_id, request_id, method, path, operation, status, code, duration_us, request_bytes, "
    "response_bytes, caller_kind, caller_prefix, caller_name, member_id, remote_address, user_agent, errors) "
    "SELECT r.community_id, r.log_id, r.request_id, r.method, r.path, r.operation, r.status, r.code, r.duration_us, r.request_bytes, "
    "r.response_bytes, r.caller_kind, r.caller_prefix, r.caller_name, r.member_id, r.remote_address, r.user_agent, r.errors "
    "FROM {rows r: community_id int, log_id int, request_id text, method text, path text, operation text, status int, code text, "
    "duration_us int, request_bytes int, response_bytes int, caller_kind text, caller_prefix text, caller_name text, member_id int, "
    "remote_address text, user_agent text, errors text}"};
#define LOG_COLUMNS                                                                                                             \
  "SELECT log_id, request_id, method, path, operation, status, code, duration_us, request_bytes, response_bytes, caller_kind, " \
  "caller_prefix, caller_name, member_id, remote_address, user_agent, errors FROM api_logs WHERE community_id = $1 "
// A filter that is not given is NULL.
#define LOG_FILTER                                                                                                     \
  "AND log_id >= $2 AND log_id <= $3 AND status >= $4 AND status <= $5 AND (CAST($6 AS TEXT) IS NULL OR method = $6) " \
  "AND (CAST($7 AS TEXT) IS NULL OR path = $7) AND (CAST($8 AS TEXT) IS NULL OR caller_prefix = $8) "                  \
  "AND (CAST($9 AS TEXT) IS NULL OR request_id = $9) AND (CAST($10 AS {int}) IS NULL OR member_id = $10) "
Statement const kNewest{"api_logs.newest", LOG_COLUMNS LOG_FILTER "ORDER BY log_id DESC LIMIT $11"};
Statement const kOldest{"api_logs.oldest", LOG_COLUMNS LOG_FILTER "ORDER BY log_id LIMIT $11"};
Statement const kCount{"api_logs.count",
                       "SELECT count(*) FROM (SELECT 1 AS one FROM api_logs WHERE community_id = $1 " LOG_FILTER "LIMIT $11) t"};
Statement const kFind{"api_logs.find", LOG_COLUMNS "AND log_id = $2"};
#undef LOG_FILTER
#undef LOG_COLUMNS
Statement const kReads{"api_logs.reads", "SELECT community_id FROM communities WHERE log_reads = 1"};
Statement const kSettings{"api_logs.settings", "SELECT community_id, api_log_days FROM communities ORDER BY community_id"};
Statement const kRemove{"api_logs.remove",
                        "DELETE FROM api_logs WHERE community_id = $1 AND log_id IN (SELECT l.log_id FROM api_logs l "
                        "WHERE l.community_id = $1 AND l.log_id < $2 ORDER BY l.log_id LIMIT $3)"};
Statement const kAddresses{"api_logs.addresses",
                           "SELECT log_id, remote_address FROM api_logs WHERE community_id = $1 AND log_id > $2 AND log_id < $3 "
                           "ORDER BY log_id LIMIT $4"};
Statement const kSetAddresses{"api_logs.set_addresses",
                              "UPDATE api_logs SET remote_address = r.address FROM {rows r: log_id int, address text} "
                              "WHERE api_logs.community_id = $1 AND api_logs.log_id = r.log_id"};

StoredRequest read(CommunityNo community, Row const& r) {
  StoredRequest s;
  s.number = r.integer(0);
  auto& x = s.record;
  x.community = community;
  x.request_id = r.string(1);
  x.method = r.string(2);
  x.path = r.string(3);
  x.operation = r.string(4);
  x.status = static_cast<int>(r.integer(5));
  x.code = r.string(6);
  x.duration_us = r.integer(7);
  x.request_bytes = r.integer(8);
  x.response_bytes = r.integer(9);
  x.caller_kind = r.string(10);
  x.caller_prefix = r.string(11);
  x.caller_name = r.string(12);
  x.member = {r.integer(13)};
  x.remote_address = r.string(14);
  x.user_agent = r.string(15);
  x.errors = r.string(16);
  return s;
}

}  // namespace

void append_requests(sql::Tx& tx, std::vector<StoredRequest> const& requests) {
  if (requests.empty()) return;
  sql::Batch batch{integer, integer, text, text, text, text,    integer, text, integer,
                   integer, integer, text, text, text, integer, text,    text, text};
  batch.reserve(requests.size());
  for (auto const& [number, r] : requests)
    batch.add(r.community, number, r.request_id, r.method, r.path, r.operation, r.status, r.code, r.duration_us, r.request_bytes,
              r.response_bytes, r.caller_kind, r.caller_prefix, r.caller_name, r.member, r.remote_address, r.user_agent, r.errors);
  tx.exec_batch(kAppend, batch);
}

std::vector<StoredRequest> list_requests(sql::Tx& tx, CommunityNo community, LogFilter const& f) {
  std::vector<StoredRequest> all;
  tx.each(
      f.descending ? kNewest : kOldest, [&](Row const& r) { all.push_back(read(community, r)); }, community, f.first, f.last, f.status_from,
      f.status_to, f.method, f.path, f.key, f.request_id, f.member, f.limit);
  return all;
}

std::int64_t count_requests(sql::Tx& tx, CommunityNo community, LogFilter const& f, std::int64_t most) {
  return tx
      .one(
          kCount, [](Row const& r) { return r.integer(0); }, community, f.first, f.last, f.status_from, f.status_to, f.method, f.path,
          f.key, f.request_id, f.member, most)
      .value();
}

std::optional<StoredRequest> find_request(sql::Tx& tx, CommunityNo community, std::int64_t number) {
  return tx.one(kFind, [&](Row const& r) { return read(community, r); }, community, number);
}

std::vector<CommunityNo> communities_logging_reads(sql::Tx& tx) {
  std::vector<CommunityNo> all;
  tx.each(kReads, [&](Row const& r) { all.push_back({r.integer(0)}); });
  return all;
}

std::vector<LogSettings> log_settings(sql::Tx& tx) {
  std::vector<LogSettings> all;
  tx.each(kSettings, [&](Row const& r) { all.push_back({{r.integer(0)}, r.integer(1)}); });
  return all;
}

std::int64_t remove_requests(sql::Tx& tx, CommunityNo community, std::int64_t before, std::int64_t at_most) {
  return tx.exec(kRemove, community, before, at_most);
}

std::vector<LoggedAddress> logged_addresses(sql::Tx& tx, CommunityNo community, std::int64_t after, std::int64_t before,
                                            std::int64_t at_most) {
  std::vector<LoggedAddress> all;
  tx.each(kAddresses, [&](Row const& r) { all.push_back({r.integer(0), r.string(1)}); }, community, after, before, at_most);
  return all;
}

void set_addresses(sql::Tx& tx, CommunityNo community, std::vector<LoggedAddress> const& addresses) {
  if (addresses.empty()) return;
  sql::Batch batch{integer, text};
  for (auto const& a : addresses) batch.add(a.number, a.address);
  tx.exec_batch(kSetAddresses, batch, community);
}

}  // namespace fealty::access
