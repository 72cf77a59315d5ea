// Items of history as they are shown.
#pragma once
#include "api/context.h"
#include "members/histories_api.h"
#include "members/history_store.h"

namespace fealty::members {

// What an item's source is called, and the person who acted, if it was one.
struct ShownSource {
  HistorySource source;
  MemberNo creator;
};
ShownSource show_source(ChangeSource const& source, MemberNo member, std::int64_t row);

// People and their memberships, looked up once each.
class PeopleShown {
 public:
  PeopleShown(sql::Tx& tx, CommunityNo community) : tx_(tx), community_(community) {}
  void look_up(std::vector<MemberNo> people);
  // Whether he is a member who is not deleted. Looked up before.
  bool is_here(MemberNo member) const;
  // Nothing when the account is gone.
  std::optional<HistoryPerson> show(MemberNo member, std::string_view host) const;

 private:
  struct Found {
    std::optional<Account> account;
    std::optional<ShownMembership> membership;
  };
  sql::Tx& tx_;
  CommunityNo community_;
  std::unordered_map<MemberNo, Found> found_;
};

// Items of living fields, in their order.
std::vector<UserFieldHistoryItem> show_items(sql::Tx& tx, api::Context const& context, Catalogue const& catalogue,
                                             std::vector<SourcedItem> const& items, PeopleShown& people);

// One member whom a path names by _id or short id, and who is here: neither invited nor deleted.
Result<Account> find_user(sql::Tx& tx, CommunityNo community, std::string const& user);

}  // namespace fealty::members
