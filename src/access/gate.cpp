#include "access/gate.h"

#include <algorithm>

#include "access/gate_store.h"
#include "access/session_store.h"
#include "base/hash.h"
#include "base/text.h"

namespace fealty::access {
namespace {

using api::CommunityRole;
using api::PrincipalKind;

// The numbers of members/members.h.
constexpr int kActive = 0, kInvited = 1, kSuspendedState = 2, kBannedState = 3;
constexpr int kDisabled = 2;
// A session's last use is remembered by the minute: not every read is to become a write.
constexpr std::int64_t kUseMs = 60'000;

std::unexpected<Error> unauthorized() { return fail(fealty::errors::kUnauthorized, "This session is over. Sign in again."); }
std::unexpected<Error> forbidden(std::string message) { return fail(fealty::errors::kForbidden, std::move(message)); }

std::string_view bearer_of(api::Request const& request) {
  auto const header = request.header("authorization");
  if (!header) return {};
  std::string_view text = trim_space(*header);
  if (text.size() > 7 && equals_ignore_ascii_case(text.substr(0, 7), "bearer ")) text = trim_space(text.substr(7));
  return text;
}

bool has_header_credential(api::Request const& request) {
  for (auto const name : {"x-api-key", "apikey"})
    if (auto const key = request.header(name); key && !trim_space(*key).empty()) return true;
  return !bearer_of(request).empty();
}

api::Principal principal_of(StoredSession const& s) {
  api::Principal who;
  who.kind = PrincipalKind::user;
  who.account = s.account;
  who.account_id = s.account_id();
  who.session = s.number;
  who.scope = s.scope;
  who.as_member = s.as_member;
  // What logs, idempotency keys and audit rows call the caller; keys have their public prefix there.
  who.key_prefix = "user:" + std::to_string(s.account.value);
  who.name = s.username;
  return who;
}

// The community that a request names beside its path. Where a browser follows an address, as it does for a download, nobody can
// give a header: then the address says it. What changes something has the header.
std::optional<std::string_view> named_community(api::Request const& request) {
  if (auto const header = request.header("x-community-id"); header && !trim_space(*header).empty()) return trim_space(*header);
  if (request.method != api::Method::get && request.method != api::Method::head) return std::nullopt;
  for (auto const& [name, value] : request.query)
    if (name == "communityId" && !trim_space(value).empty()) return trim_space(value);
  return std::nullopt;
}

// Which community the request is about, in the order of identity.md "Community context". An id that names none is as good as
// a foreign one.
struct Choice {
  bool named = false;  // by the request or the session
  std::optional<CommunityNo> community;
};
Choice choose(sql::Tx& tx, api::Principal const& who, api::Route const& route, api::Request const& request, bool needed) {
  auto const by_id = [](std::string_view text) -> Choice {
    auto const id = PublicId::parse(text);
    return {true, id ? std::optional(CommunityNo{id->number}) : std::nullopt};
  };
  if (auto const path = community_in_path(route, request)) return by_id(*path);
  if (who.scope) return {true, who.scope};
  if (auto const name = named_community(request)) return by_id(*name);
  if (!needed) return {};
  if (auto const host = community_of_host(tx, host_of(request))) return {true, host};
  auto const only = only_community_of(tx, who.account);
  return {only.has_value(), only};
}

}  // namespace

std::optional<Error> refused_member(int state, std::optional<TimeMs> until, TimeMs now) {
  if (state == kBannedState) return Error{&errors::kBanned, "You are banned from this community."};
  if (state != kSuspendedState || (until && *until <= now)) return std::nullopt;
  return Error{&errors::kSuspended,
               until ? "You are suspended from this community until " + to_iso(*until) + "." : "You are suspended from this community."};
}

std::string host_of(api::Request const& request) {
  std::string_view text = trim_space(request.header("host").value_or(""));
  if (auto const colon = text.rfind(':'); colon != std::string_view::npos && text.find(']', colon) == std::string_view::npos)
    text = text.substr(0, colon);
  return fold_case(text);
}

bool is_from_own_page(api::Request const& request) {
  // Browsers say where a request comes from. Those that do not say it are believed for reading alone.
  auto const site = request.header("sec-fetch-site"), origin = request.header("origin");
  bool const reads = request.method == api::Method::get || request.method == api::Method::head;
  bool ours = reads && !site && !origin;
  if (site) ours = *site == "same-origin" || (*site == "none" && reads);
  if (!site && origin) {
    auto const scheme = origin->find("://");
    ours = scheme != std::string_view::npos &&
           equals_ignore_ascii_case(origin->substr(scheme + 3), trim_space(request.header("host").value_or("")));
  }
  return ours;
}

std::optional<std::string_view> cookie_credential(api::Request const& request) {
  auto const header = request.header("cookie");
  if (!header || !is_from_own_page(request)) return std::nullopt;
  for (auto const part : split(*header, ';')) {
    auto const pair = trim_space(part);
    auto const equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == kSessionCookie && equals + 1 < pair.size())
      return pair.substr(equals + 1);
  }
  return std::nullopt;
}

bool Gate::is_quick(api::Request const& request) const {
  return has_header_credential(request) && !looks_like_token(bearer_of(request)) && keys_.is_quick(request);
}

Result<api::Principal> Gate::check(api::Request const& request, TimeMs now) {
  auto const key = request.header("x-api-key");
  bool const has_system_key = key && !trim_space(*key).empty();
  if (auto const text = bearer_of(request); !has_system_key && looks_like_token(text)) return check_token(text, now);
  if (!has_header_credential(request))
    if (auto const cookie = cookie_credential(request)) {
      auto who = check_cookie(*cookie, now);
      // A cookie that is over is no credential: the sign-in page must be open to its browser.
      return who ? std::move(who) : api::Principal{};
    }
  return keys_.check(request, now);
}

Result<api::Principal> Gate::check_token(std::string_view token, TimeMs now) {
  session_keys_.keep_fresh(now);
  auto const claims = session_keys_.verify(token, now);
  if (!claims) return unauthorized();
  auto const session = database_.read([&](sql::Tx& tx) { return find_session(tx, claims->session.number); });
  if (session && (session->id() != claims->session || session->account_id() != claims->account || session->scope_id() != claims->scope))
    return unauthorized();
  return check_session(session, now);
}

Result<api::Principal> Gate::check_cookie(std::string_view refresh_token, TimeMs now) {
  auto const hash = sha256(refresh_token);
  return check_session(database_.read([&](sql::Tx& tx) -> std::optional<StoredSession> {
    if (auto found = find_session_by_refresh(tx, hash)) return found;
    // A request that left before its browser had the renewed cookie.
    auto former = find_session_by_former(tx, hash);
    return former && former->rotated_at + kRefreshGraceMs > now ? former : std::nullopt;
  }),
                       now);
}

Result<api::Principal> Gate::check_session(std::optional<StoredSession> const& session, TimeMs now) {
  if (!session || session->ended_at || session->expires_at <= now || session->account_state == kDisabled) return unauthorized();
  if (session->last_used_at + kUseMs <= now) database_.write([&](sql::Tx& tx) { touch_session(tx, session->number, now); });
  return principal_of(*session);
}

Result<void> Gate::admit(api::Principal& who, api::Route const& route, api::Request const& request, TimeMs now) {
  if (who.kind == PrincipalKind::user) return admit_user(who, route, request, now);
  return keys_.admit(who, route, request, now);
}

Error second_factor_missing() {
  return {&errors::kSecondFactorSetup,
          "This community asks its owners and administrators for a second factor. Set one up for your account first."};
}

Result<void> Gate::admit_user(api::Principal& who, api::Route const& route, api::Request const& request, TimeMs now) {
  auto const& needs = route.needs;
  if (!needs.user) {
    // Who is signed in and calls what is open to all is a guest there.
    if (needs.guest) return {};
    return std::unexpected(credential_needed(needs));
  }
  if (needs.installation && who.scope)
    return forbidden("This needs a sign-in with the account's own password; yours is for one community alone.");
  bool const needed = *needs.user != CommunityRole::none;
  return database_.read([&](sql::Tx& tx) -> Result<void> {
    auto const choice = choose(tx, who, route, request, needed);
    if (!choice.community) {
      if (choice.named) return std::unexpected(foreign_community());
      if (!needed) return {};
      return fail(errors::kCommunityRequired, "Say which community this is about, with the header X-Community-Id.");
    }
    auto const standing = standing_of(tx, *choice.community, who.account);
    if (!standing) return std::unexpected(foreign_community());
    // The whole id counts, and a session of one community sees no other.
    auto const path = community_in_path(route, request);
    auto const named = path ? std::nullopt : named_community(request);
    auto const is_other = [&](std::optional<std::string_view> text) {
      return text && !trim_space(*text).empty() && PublicId::parse(trim_space(*text)) != standing->community_id;
    };
    if (is_other(path) || is_other(named) || (who.scope && who.scope != *choice.community)) return std::unexpected(foreign_community());

    who.community = *choice.community;
    who.community_id = standing->community_id;
    if (standing->is_owner) {
      who.role = CommunityRole::owner;
    } else if (standing->state) {
      if (auto refused = refused_member(*standing->state, standing->until, now)) return std::unexpected(*std::move(refused));
      bool const joined = *standing->state == kActive || *standing->state == kSuspendedState;
      who.role = !joined ? CommunityRole::none : standing->is_administrator ? CommunityRole::administrator : CommunityRole::member;
    }
    if (who.as_member) who.role = std::min(who.role, CommunityRole::member);
    if (who.role < CommunityRole::member && needed) {
      if (standing->state == kInvited) return forbidden("You are invited to this community. Join it first.");
      return std::unexpected(foreign_community());
    }
    if (who.role < *needs.user)
      return forbidden(*needs.user == CommunityRole::owner ? "Only the owner of the community may do this."
                                                           : "Only owners and administrators of the community may do this.");
    if (who.role >= CommunityRole::administrator) {
      who.lacks_second_factor = standing->second_factor_required && !standing->has_second_factor;
      if (*needs.user >= CommunityRole::administrator && who.lacks_second_factor) return std::unexpected(second_factor_missing());
      who.permissions = api::PermissionSet::everything();
    }
    return {};
  });
}

}  // namespace fealty::access
