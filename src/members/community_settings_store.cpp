#include "members/community_settings_store.h"

namespace fealty::members {
namespace {

using sql::Row;
using sql::Statement;

Statement const kLock{"communities.lock", "SELECT c.created_at FROM communities c WHERE c.community_id = $1 {lock c}"};
Statement const kWithHost{"communities.with_host", "SELECT community_id FROM communities WHERE host = $1"};
Statement const kSetHost{"communities.set_host", "UPDATE communities SET host = $2 WHERE community_id = $1"};
// A flag that is not given stays.
Statement const kSetFlags{
    "communities.set_flags",
    "UPDATE communities SET open_registration = coalesce($2, open_registration), "
    "secure_auth_administrators = coalesce($3, secure_auth_administrators), "
    "second_factor_required = coalesce($4, second_factor_required), "
    "mail_include_passwords = coalesce($5, mail_include_passwords), restore_days = coalesce($6, restore_days), "
    "file_retention_days = coalesce($7, file_retention_days), api_log_days = coalesce($8, api_log_days), "
    "log_reads = coalesce($9, log_reads), anonymous_import = coalesce($10, anonymous_import) WHERE community_id = $1"};
Statement const kRead{
    "communities.settings",
    "SELECT host, open_registration, secure_auth_administrators, second_factor_required, mail_include_passwords, "
    "restore_days, file_retention_days, api_log_days, log_reads, anonymous_import FROM communities WHERE community_id = $1"};

}  // namespace

std::optional<TimeMs> lock_community(sql::Tx& tx, CommunityNo community) {
  return tx.one(kLock, [](Row const& r) { return r.integer(0); }, community);
}

std::optional<CommunityNo> community_with_host(sql::Tx& tx, std::string_view host) {
  return tx.one(kWithHost, [](Row const& r) { return CommunityNo{r.integer(0)}; }, host);
}

void update_community(sql::Tx& tx, CommunityNo community, CommunityChange const& c) {
  if (c.host) tx.exec(kSetHost, community, c.host->empty() ? std::optional<std::string>() : c.host);
  tx.exec(kSetFlags, community, c.open_registration, c.secure_auth_administrators, c.second_factor_required, c.mail_include_passwords,
          c.restore_days, c.file_retention_days, c.api_log_days, c.log_reads,
          c.anonymous_import ? std::optional(static_cast<std::int64_t>(*c.anonymous_import)) : std::nullopt);
}

std::optional<CommunitySettings> read_settings(sql::Tx& tx, CommunityNo community) {
  return tx.one(
      kRead,
      [](Row const& r) {
        return CommunitySettings{r.optional_string(0), r.boolean(1),
                                 r.boolean(2),         r.boolean(3),
                                 r.boolean(4),         r.integer(5),
                                 r.integer(6),         r.integer(7),
                                 r.boolean(8),         std::string(jobs::to_string(static_cast<jobs::AnonymousImport>(r.integer(9))))};
      },
      community);
}

}  // namespace fealty::members
