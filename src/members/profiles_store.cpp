#include "members/profiles_store.h"

#include <charconv>

#include "base/text.h"
#include "ledger/ledger.h"

namespace fealty::members {
namespace {

using sql::Param;
using sql::Row;
using sql::Statement;

// Sessions of another community are none of this one's business.
#define LAST_LOGIN                                                                                                               \
  "coalesce((SELECT max(s.created_at) FROM sessions s WHERE s.account_id = m.member_id AND s.scope_id IN (0, m.community_id)), " \
  "m.last_online_at)"
#define PROFILE_COLUMNS                                                                                                           \
  "m.member_id, a.created_at, m.state, m.state_until, a.username, a.email, m.first_name, m.last_name, m.display_name, m.avatar, " \
  "m.time_zone, m.hidden, m.joined_at, " LAST_LOGIN
constexpr int kColumns = 14;

Statement const kFind{"profiles.find", "SELECT " PROFILE_COLUMNS
                                       " FROM memberships m JOIN accounts a ON a.account_id = m.member_id "
                                       "WHERE m.community_id = $1 AND m.member_id = $2 AND m.state IN (0, 2, 3)"};
Statement const kHost{"communities.host", "SELECT host FROM communities WHERE community_id = $1"};
Statement const kSetTimeZone{"memberships.set_time_zone",
                             "UPDATE memberships SET time_zone = $3 WHERE community_id = $1 AND member_id = $2"};
Statement const kSetHidden{"memberships.set_hidden", "UPDATE memberships SET hidden = $3 WHERE community_id = $1 AND member_id = $2"};

Profile read_profile(Row const& r, TimeMs now) {
  Profile p;
  p.member = {r.integer(0)};
  p.account_created_at = r.integer(1);
  p.state = state_at(static_cast<MembershipState>(r.integer(2)), r.optional_integer(3), now);
  p.username = r.string(4);
  p.email = r.string(5);
  p.first_name = r.optional_string(6);
  p.last_name = r.optional_string(7);
  p.display_name = r.optional_string(8);
  p.avatar = r.optional_string(9);
  p.time_zone = r.optional_string(10);
  p.hidden = r.integer(11);
  p.joined_at = r.integer(12);
  p.last_login = r.optional_integer(13);
  return p;
}

// Text of a query and its parameters, grown together.
class Query {
 public:
  explicit Query(CommunityNo community) { add(community.value); }
  std::string add(std::int64_t value) {
    params_.emplace_back(value);
    return "$" + std::to_string(params_.size());
  }
  std::string add(std::string value) {
    texts_.push_back(std::make_unique<std::string>(std::move(value)));
    params_.emplace_back(std::string_view(*texts_.back()));
    return "$" + std::to_string(params_.size());
  }
  void where(ProfileFilter const& f, TimeMs now) {
    text += " WHERE m.community_id = $1 AND m.state IN (0, 2, 3)";
    if (!f.active || !f.suspended || !f.banned) {
      std::vector<std::string> states{"1 = 0"};
      if (f.active) states.push_back("m.state = 0 OR (m.state = 2 AND m.state_until IS NOT NULL AND m.state_until <= " + add(now) + ")");
      if (f.suspended) states.push_back("(m.state = 2 AND (m.state_until IS NULL OR m.state_until > " + add(now) + "))");
      if (f.banned) states.emplace_back("m.state = 3");
      text += " AND (" + join(states, " OR ") + ")";
    }
    if (!f.keyword.empty()) {
      // Usernames and e-mails are kept folded; of display names SQLite folds ASCII alone, so the word as it was written
      // counts too. An e-mail that its holder hides is found by nobody.
      auto const folded = add(like_literal(fold_case(f.keyword)) + "%"), plain = add(like_literal(f.keyword) + "%");
      text += " AND (a.username_key LIKE " + folded + " ESCAPE '\\' OR (m.hidden < " + std::to_string(kHidesEmail) +
              " AND a.email_key LIKE " + folded + " ESCAPE '\\') OR lower(m.display_name) LIKE " + folded +
              " ESCAPE '\\' OR m.display_name LIKE " + plain + " ESCAPE '\\')";
    }
    if (f.role && *f.role != "@all")
      text +=
          " AND EXISTS (SELECT 1 FROM roles r JOIN member_roles x ON x.community_id = r.community_id AND x.role_id = r.role_id "
          "WHERE r.community_id = m.community_id AND r.title = " +
          add(*f.role) + " AND x.member_id = m.member_id)";
    if (f.tag)
      text +=
          " AND EXISTS (SELECT 1 FROM tags t JOIN member_tags x ON x.community_id = t.community_id AND x.tag_id = t.tag_id "
          "WHERE t.community_id = m.community_id AND t.name = " +
          add(*f.tag) + " AND x.member_id = m.member_id)";
  }
  void run(sql::Tx& tx, sql::OnRow const& on_row) { tx.run_text(text, params_, on_row); }

  std::string text;

 private:
  std::vector<Param> params_;
  std::vector<std::unique_ptr<std::string>> texts_;
};

// Never null: a page goes on behind its value.
std::string key_of(ProfileSort sort) {
  switch (sort) {
    case ProfileSort::created_at: return "m.joined_at";
    case ProfileSort::display_name: return "lower(coalesce(m.display_name, ''))";
    case ProfileSort::last_login: return "coalesce(" LAST_LOGIN ", 0)";
    case ProfileSort::xp: return "coalesce(b.amount, 0)";
  }
  throw std::logic_error("an order without a key");
}

constexpr std::string_view kPeople = " FROM memberships m JOIN accounts a ON a.account_id = m.member_id";

}  // namespace

std::optional<Profile> find_profile(sql::Tx& tx, CommunityNo community, MemberNo member, TimeMs now) {
  return tx.one(kFind, [&](Row const& r) { return read_profile(r, now); }, community, member);
}

std::int64_t count_profiles(sql::Tx& tx, CommunityNo community, ProfileFilter const& filter, TimeMs now) {
  Query q(community);
  q.text = "SELECT count(*)" + std::string(kPeople);
  q.where(filter, now);
  std::int64_t count = 0;
  q.run(tx, [&](Row const& r) { count = r.integer(0); });
  return count;
}

void list_profiles(sql::Tx& tx, CommunityNo community, ProfileFilter const& filter, std::optional<ProfilePlace> const& after,
                   std::int64_t skip, std::int64_t limit, TimeMs now, std::function<void(Profile, std::string)> const& on_profile) {
  bool const is_text = filter.sort == ProfileSort::display_name;
  auto const key = key_of(filter.sort);
  Query q(community);
  q.text = "SELECT " PROFILE_COLUMNS ", " + key + std::string(kPeople);
  if (filter.sort == ProfileSort::xp)
    q.text += " LEFT JOIN balances b ON b.community_id = m.community_id AND b.member_id = m.member_id AND b.currency_id = " +
              std::to_string(ledger::kXp.value);
  q.where(filter, now);
  if (after) {
    std::int64_t number = 0;
    std::from_chars(after->key.data(), after->key.data() + after->key.size(), number);
    auto const place = is_text ? q.add(after->key) : q.add(number);
    q.text += " AND (" + key + ", m.member_id) " + (filter.descending ? "<" : ">") + " (" + place + ", " + q.add(after->member.value) + ")";
  }
  std::string const direction = filter.descending ? " DESC" : "";
  q.text += " ORDER BY " + key + direction + ", m.member_id" + direction + " LIMIT " + q.add(limit) + " OFFSET " + q.add(skip);
  q.run(tx, [&](Row const& r) { on_profile(read_profile(r, now), is_text ? r.string(kColumns) : std::to_string(r.integer(kColumns))); });
}

std::string community_host(sql::Tx& tx, CommunityNo community) {
  return tx.one(kHost, [](Row const& r) { return r.string(0); }, community).value_or("");
}

void set_time_zone(sql::Tx& tx, CommunityNo community, MemberNo member, std::optional<std::string> const& zone) {
  tx.exec(kSetTimeZone, community, member, zone);
}

void set_hidden(sql::Tx& tx, CommunityNo community, MemberNo member, std::int64_t hidden) {
  tx.exec(kSetHidden, community, member, hidden);
}

}  // namespace fealty::members
