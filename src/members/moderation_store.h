// SQL and row mapping of moderation: no rules.
#pragma once
#include "access/audit.h"
#include "members/member_store.h"
#include "members/states.h"

namespace fealty::members {

struct ModeratedMember {
  StateFacts facts;
  bool is_erased = false;
};
// Locked against other writers until the transaction ends.
std::optional<ModeratedMember> lock_member(sql::Tx& tx, CommunityNo community, MemberNo member);
void store_state(sql::Tx& tx, CommunityNo community, MemberNo member, StateFacts const& facts);
// How long deleted members may be restored.
std::int64_t restore_ms(sql::Tx& tx, CommunityNo community);
// Whether one of the member's roles carries server_administrator.
bool is_administrator(sql::Tx& tx, CommunityNo community, MemberNo member);
void revoke_user_keys(sql::Tx& tx, CommunityNo community, MemberNo member, TimeMs now);

struct MisconductRecord {
  std::int64_t number = 0;
  MemberNo member;
  std::string action, reason;
  std::optional<TimeMs> until;
  access::Actor actor;
  TimeMs created_at = 0;
};
void insert_misconduct(sql::Tx& tx, CommunityNo community, MisconductRecord const& record);
// The newest first.
std::vector<MisconductRecord> list_misconduct(sql::Tx& tx, CommunityNo community, MemberNo member, std::int64_t skip, std::int64_t most);
std::int64_t count_misconduct(sql::Tx& tx, CommunityNo community, MemberNo member);

// Deleted members whose time for a restoration is over.
struct ErasableMember {
  CommunityNo community;
  MemberNo member;
};
std::vector<ErasableMember> erasable_members(sql::Tx& tx, TimeMs now, std::int64_t most);
// Everything personal of one membership; the row, its balances and its ledger stay. A ban is remembered.
void erase_member(sql::Tx& tx, CommunityNo community, MemberNo member, bool is_banned, TimeMs now);

}  // namespace fealty::members
