// SQL of taking memberships back that a job made: what tells that nothing else happened to them, and their removal.
#pragma once
#include <span>

#include "members/member_store.h"

namespace fealty::members {

struct MadeMembership {
  MemberNo member;
  MembershipState state = MembershipState::active;
  AccountState account = AccountState::unclaimed;
  TimeMs account_created_at = 0;
  bool was_online = false;
};
// Of the given people (sorted), whose memberships the caller has locked; locks their accounts.
void load_made_memberships(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members,
                           std::function<void(MadeMembership const&)> const& on_found);
// Those who referred somebody.
std::vector<MemberNo> referrers_among(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members);

// The newest ledger entry or history item of one balance or value.
struct ChainHead {
  MemberNo member;
  std::int64_t number = 0;
  bool is_entry = false;
};
// All of these members, pointers without an entry left out.
void load_chain_heads(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members,
                      std::function<void(ChainHead const&)> const& on_head);
struct ChainLink {
  SourceNo source;
  std::int64_t previous = 0;
};
// `on_link(index of the head, its source and what it stands on)`.
void load_chain_links(sql::Tx& tx, CommunityNo community, std::span<ChainHead const> heads,
                      std::function<void(std::size_t, ChainLink)> const& on_link);

// Locks these accounts (sorted) and counts those that exist: a membership is made only for an account that cannot go.
std::size_t lock_accounts(sql::Tx& tx, std::vector<MemberNo> const& accounts);
void remove_memberships(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members);
// Removes those of these accounts (locked, sorted) that are unclaimed and have no membership anywhere.
void remove_unused_accounts(sql::Tx& tx, std::vector<MemberNo> const& accounts);

}  // namespace fealty::members
