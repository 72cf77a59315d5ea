#include "members/community_settings.h"

#include "api/json_writer.h"
#include "base/text.h"
#include "members/community_settings_store.h"

namespace fealty::members {
namespace {

constexpr std::size_t kHostMax = 253, kLabelMax = 63;  // RFC 1035, 2.3.4

std::string told(CommunityChange const& c) {
  api::JsonWriter w;
  w.begin_object();
  if (c.host) c.host->empty() ? w.key("host").null() : w.key("host").string(*c.host);
  if (c.open_registration) w.key("openRegistration").boolean(*c.open_registration);
  if (c.secure_auth_administrators) w.key("secureAuthAdministrators").boolean(*c.secure_auth_administrators);
  if (c.second_factor_required) w.key("secondFactorRequired").boolean(*c.second_factor_required);
  if (c.mail_include_passwords) w.key("mailIncludePasswords").boolean(*c.mail_include_passwords);
  if (c.restore_days) w.key("restoreDays").integer(*c.restore_days);
  if (c.file_retention_days) w.key("fileRetentionDays").integer(*c.file_retention_days);
  w.end_object();
  auto const json = w.take();
  return json.substr(1, json.size() - 2);
}

}  // namespace

std::optional<std::string> host_name(std::string_view text) {
  auto host = fold_case(trim_space(text));
  if (host.empty() || host.size() > kHostMax) return std::nullopt;
  for (auto const label : split(host, '.')) {
    bool const plain =
        std::all_of(label.begin(), label.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
    if (label.empty() || label.size() > kLabelMax || !plain || label.front() == '-' || label.back() == '-') return std::nullopt;
  }
  return host;
}

Result<std::string> change_community(sql::Database& database, NumberSource& numbers, CommunityNo community, CommunityChange const& in,
                                     access::Actor const& actor, TimeMs now) {
  CommunityChange change = in;
  std::vector<Issue> issues;
  if (in.is_empty()) issues.push_back({"", "required", "Say what is to be changed."});
  if (in.host && !in.host->empty()) {
    if (auto const host = host_name(*in.host))
      change.host = host;
    else
      issues.push_back(
          {"host", "bad_value", "\"" + *in.host + "\" is not a host name such as club.example.org (without port and scheme)."});
  }
  if (in.restore_days && (*in.restore_days < 1 || *in.restore_days > kRestoreDaysMax))
    issues.push_back(
        {"restore-days", "out_of_range", "Deleted members can be restored for 1 to " + std::to_string(kRestoreDaysMax) + " days."});
  if (in.file_retention_days && (*in.file_retention_days < 1 || *in.file_retention_days > kFileRetentionDaysMax))
    issues.push_back({"file-retention-days", "out_of_range", "Files are kept 1 to " + std::to_string(kFileRetentionDaysMax) + " days."});
  if (!issues.empty()) return fail(errors::kInvalidCommunity, "The community was not changed.", std::move(issues));

  return database.write([&](sql::Tx& tx) -> Result<std::string> {
    auto const created = lock_community(tx, community);
    if (!created) return fail(access::errors::kCommunityNotFound, "There is no such community.");
    if (change.host && !change.host->empty())
      if (auto const holder = community_with_host(tx, *change.host); holder && *holder != community)
        return fail(errors::kHostTaken, "Another community has the host " + *change.host + ".");
    update_community(tx, community, change);
    auto facts = told(change);
    access::write_audit(tx, community, numbers.next(),
                        {.actor = actor,
                         .action = "community.set",
                         .target = PublicId::of(community.value, *created).to_string(),
                         .detail = "{" + facts + "}",
                         .at = now});
    return facts;
  });
}

}  // namespace fealty::members
