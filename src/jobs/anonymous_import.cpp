#include "jobs/anonymous_import.h"

#include <algorithm>

#include "access/authenticator.h"

namespace fealty::jobs {

std::string_view to_string(AnonymousImport import) { return kAnonymousImports[static_cast<std::size_t>(import)]; }

std::optional<AnonymousImport> parse_anonymous_import(std::string_view text) {
  auto const found = std::ranges::find(kAnonymousImports, text);
  if (found == std::end(kAnonymousImports)) return std::nullopt;
  return static_cast<AnonymousImport>(found - std::begin(kAnonymousImports));
}

Error not_for_strangers() {
  Error error = access::credential_needed(api::Needs::key({}));
  error.message += " Without one, communityId must name a community that takes imports from everybody.";
  return error;
}

std::vector<access::Throttle> stranger_throttles(Limits const& limits, CommunityNo community, std::string_view remote_address) {
  constexpr std::int64_t kHourMs = 3'600'000;
  auto const number = std::to_string(community.value);
  return {{access::throttle_subject("import", number + "\n" + access::client_of(remote_address)), limits.bulk_anonymous_client_hour_max,
           kHourMs},
          {access::throttle_subject("imports", number), limits.bulk_anonymous_community_hour_max, kHourMs}};
}

Limits stranger_limits(Limits limits) {
  limits.bulk_file_bytes_max = std::min(limits.bulk_file_bytes_max, limits.bulk_anonymous_file_bytes_max);
  limits.bulk_rows_max = std::min(limits.bulk_rows_max, limits.bulk_anonymous_rows_max);
  return limits;
}

}  // namespace fealty::jobs
