#include "members/removal_store.h"

namespace fealty::members {
namespace {

using sql::Batch;
using sql::Row;
using sql::Statement;
constexpr auto kInt = Batch::Type::integer;

Statement const kMade{"memberships.made",
                      "SELECT m.member_id, m.state, m.last_online_at, a.state, a.created_at FROM {rows r: k int} CROSS JOIN memberships m "
                      "CROSS JOIN accounts a WHERE m.community_id = $1 AND m.member_id = r.k AND a.account_id = r.k "
                      "ORDER BY a.account_id {lock a}"};
Statement const kReferrers{"memberships.referrers",
                           "SELECT DISTINCT m.referred_by FROM {rows r: k int} CROSS JOIN memberships m WHERE m.community_id = $1 "
                           "AND m.referred_by = r.k AND m.referred_by IS NOT NULL"};
Statement const kBalanceHeads{"balances.heads",
                              "SELECT b.member_id, b.entry_id FROM {rows r: k int} CROSS JOIN balances b WHERE b.community_id = $1 "
                              "AND b.member_id = r.k AND b.entry_id <> 0"};
Statement const kValueHeads{"field_values.heads",
                            "SELECT v.member_id, v.history_id FROM {rows r: k int} CROSS JOIN field_values v WHERE v.community_id = $1 "
                            "AND v.member_id = r.k AND v.history_id <> 0"};
Statement const kEntryLinks{"ledger.links",
                            "SELECT r.k, e.source_id, e.previous_id FROM {rows r: k int, n int} CROSS JOIN ledger_entries e "
                            "WHERE e.community_id = $1 AND e.entry_id = r.n"};
Statement const kItemLinks{"field_history.links",
                           "SELECT r.k, h.source_id, h.previous_id FROM {rows r: k int, n int} CROSS JOIN field_history h "
                           "WHERE h.community_id = $1 AND h.history_id = r.n"};
Statement const kLockAccounts{"accounts.lock",
                              "SELECT a.account_id FROM {rows r: k int} CROSS JOIN accounts a WHERE a.account_id = r.k "
                              "ORDER BY a.account_id {lock a}"};
Statement const kRemoveMemberships{"memberships.remove",
                                   "DELETE FROM memberships WHERE community_id = $1 AND member_id IN (SELECT r.k FROM {rows r: k int})"};
// Memberships have no index by person: there are few communities, and each is asked by key.
Statement const kUsedAccounts{"accounts.with_memberships",
                              "SELECT DISTINCT m.member_id FROM {rows r: k int} CROSS JOIN communities c CROSS JOIN memberships m "
                              "WHERE m.community_id = c.community_id AND m.member_id = r.k ORDER BY m.member_id"};
Statement const kRemoveAccounts{"accounts.remove",
                                "DELETE FROM accounts WHERE state = 0 AND account_id IN (SELECT r.k FROM {rows r: k int})"};

Batch batch_of(std::vector<MemberNo> const& members) {
  Batch batch{kInt};
  batch.reserve(members.size());
  for (MemberNo const m : members) batch.add(m);
  return batch;
}

}  // namespace

void load_made_memberships(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members,
                           std::function<void(MadeMembership const&)> const& on_found) {
  if (members.empty()) return;
  tx.each_batch(
      kMade, batch_of(members),
      [&](Row const& r) {
        on_found({{r.integer(0)},
                  static_cast<MembershipState>(r.integer(1)),
                  static_cast<AccountState>(r.integer(3)),
                  r.integer(4),
                  !r.is_null(2)});
      },
      community);
}

std::vector<MemberNo> referrers_among(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members) {
  std::vector<MemberNo> out;
  if (members.empty()) return out;
  tx.each_batch(kReferrers, batch_of(members), [&](Row const& r) { out.push_back({r.integer(0)}); }, community);
  return out;
}

void load_chain_heads(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members,
                      std::function<void(ChainHead const&)> const& on_head) {
  if (members.empty()) return;
  auto const batch = batch_of(members);
  for (bool const entries : {true, false})
    tx.each_batch(
        entries ? kBalanceHeads : kValueHeads, batch, [&](Row const& r) { on_head({{r.integer(0)}, r.integer(1), entries}); }, community);
}

void load_chain_links(sql::Tx& tx, CommunityNo community, std::span<ChainHead const> heads,
                      std::function<void(std::size_t, ChainLink)> const& on_link) {
  for (bool const entries : {true, false}) {
    Batch batch{kInt, kInt};
    for (std::size_t i = 0; i < heads.size(); ++i)
      if (heads[i].is_entry == entries) batch.add(static_cast<std::int64_t>(i), heads[i].number);
    if (batch.rows() == 0) continue;
    tx.each_batch(
        entries ? kEntryLinks : kItemLinks, batch,
        [&](Row const& r) { on_link(static_cast<std::size_t>(r.integer(0)), {{r.integer(1)}, r.integer(2)}); }, community);
  }
}

std::size_t lock_accounts(sql::Tx& tx, std::vector<MemberNo> const& accounts) {
  std::size_t found = 0;
  if (!accounts.empty()) tx.each_batch(kLockAccounts, batch_of(accounts), [&](Row const&) { ++found; });
  return found;
}

void remove_memberships(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members) {
  if (!members.empty()) tx.exec_batch(kRemoveMemberships, batch_of(members), community);
}

void remove_unused_accounts(sql::Tx& tx, std::vector<MemberNo> const& accounts) {
  if (accounts.empty()) return;
  std::vector<MemberNo> used, unused;
  tx.each_batch(kUsedAccounts, batch_of(accounts), [&](Row const& r) { used.push_back({r.integer(0)}); });
  std::set_difference(accounts.begin(), accounts.end(), used.begin(), used.end(), std::back_inserter(unused));
  if (!unused.empty()) tx.exec_batch(kRemoveAccounts, batch_of(unused));
}

}  // namespace fealty::members
