// People as accounts and members, for the rooms above that sign them in: what they may write of both.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/audit.h"
#include "base/number_source.h"
#include "members/members.h"
#include "members/new_member.h"

namespace fealty::members {

struct NewPerson {
  MemberNo number;
  std::string email, username;
  std::string first_name, last_name, display_name;  // empty: none
  std::vector<std::int64_t> roles;                  // sorted numbers (starting_roles)
  MemberNo referred_by;
  std::vector<FirstValue> values = {};  // others that the membership begins with
};
// Until the transaction ends nobody else makes accounts here: e-mail and username can be looked at first. (Imports do not
// wait; the unique keys of accounts stop the later one.)
void lock_new_people(sql::Tx& tx);
void insert_account(sql::Tx& tx, MemberNo number, std::string const& email, std::string const& username, TimeMs created_at);
// An account, made at `created_at`, and its active membership in one community.
void insert_person(sql::Tx& tx, NumberSource& numbers, CommunityNo community, NewPerson const& person, access::Actor const& actor,
                   TimeMs created_at, TimeMs now);

std::optional<MembershipState> membership_state(sql::Tx& tx, CommunityNo community, MemberNo member);
// Somebody of this community whom a referral names, by short id or username.
std::optional<MemberNo> find_referrer(sql::Tx& tx, CommunityNo community, std::string_view text);

}  // namespace fealty::members
