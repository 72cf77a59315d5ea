// Imports without a key: whether a community takes them, what they may do, how often.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "access/throttles.h"
#include "base/error.h"
#include "base/id.h"
#include "base/limits.h"

namespace fealty::jobs {

// create_only: nobody who is a member already, in whatever state, is touched, and only names, e-mail, contact and language are
// taken. full: what a key with both permissions of an import may do. The numbers stand in storage: append, never reorder.
enum class AnonymousImport : std::uint8_t { off, create_only, full };
inline constexpr std::string_view kAnonymousImports[] = {"off", "create_only", "full"};
std::string_view to_string(AnonymousImport import);
std::optional<AnonymousImport> parse_anonymous_import(std::string_view text);

// A community that takes them.
struct OpenCommunity {
  CommunityNo number;
  PublicId id;
  AnonymousImport import = AnonymousImport::off;
};

// What a request without a key is told that names no community that takes it: it never says whether there is one.
Error not_for_strangers();
// Uploads of one client and of all of them, in one community and an hour.
std::vector<access::Throttle> stranger_throttles(Limits const& limits, CommunityNo community, std::string_view remote_address);
// The limits of a stranger's upload: those of all uploads, and no more than his own.
Limits stranger_limits(Limits limits);

}  // namespace fealty::jobs
