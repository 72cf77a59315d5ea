// People whom another system sends to sign in here: who they are, and how they become members when nobody knows them.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/audit.h"
#include "base/number_source.h"
#include "members/members.h"

namespace fealty::members {

struct KnownPerson {
  MemberNo number;
  PublicId id;
  AccountState account = AccountState::unclaimed;
  std::optional<MembershipState> state;  // here, as of now; none: no member of this community
  std::optional<TimeMs> until;           // of a suspension
};
// By username. Accounts are global: what is told of somebody who is no member here is for the caller to decide.
std::optional<KnownPerson> find_by_username(sql::Tx& tx, CommunityNo community, std::string_view username, TimeMs now);
std::optional<KnownPerson> find_by_number(sql::Tx& tx, CommunityNo community, MemberNo number, TimeMs now);

// Numbers of the roles that a new member of this access level begins with, those that are still there; nothing when there is
// no such level. Level 0 is always there.
std::optional<std::vector<std::int64_t>> starting_roles(sql::Tx& tx, CommunityNo community, std::int64_t level);

struct Newcomer {
  std::string username, email, first_name, last_name, display_name;
};
// What is wrong with a newcomer whoever else is there; `place` names a part as the caller's system knows it.
enum class NewcomerPart : std::uint8_t { username, email, first_name, last_name, display_name };
void check_newcomer(Newcomer const& newcomer, std::function<std::string_view(NewcomerPart)> const& place, std::vector<Issue>& issues);

// An unclaimed account and its membership, with histories, start roles and an audit entry. Nobody else makes accounts by draws
// of numbers until the transaction ends: `username_taken` and `email_taken` are told for certain. An import may still come
// between, which storage stops as a broken constraint: run the transaction again then.
enum class Arrival : std::uint8_t { made, username_taken, email_taken };
struct Arrived {
  Arrival outcome = Arrival::made;
  KnownPerson person;
};
Arrived add_newcomer(sql::Tx& tx, NumberSource& numbers, CommunityNo community, Newcomer const& newcomer,
                     std::vector<std::int64_t> const& roles, access::Actor const& actor, std::string const& remote_address, TimeMs now);

}  // namespace fealty::members
